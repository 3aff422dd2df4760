// The contract between Streamlit and a component's default export.

const latestCalls = new WeakMap(); // parentElement -> the latest call on it

// Wraps a component whose module is loaded asynchronously. Streamlit calls it once for each change
// of data that arrived while the module was loading, and then calls the returned cleanup functions
// of all calls but the last one. Those must not end what the last call set up. A component that
// was unmounted while it was loading is not drawn.
export function mountable(component) {
  return (call) => {
    const { parentElement } = call;
    if (!parentElement.isConnected) return undefined;
    latestCalls.set(parentElement, call);
    const cleanUp = component(call);
    return () => {
      if (latestCalls.get(parentElement) === call) cleanUp?.();
    };
  };
}
