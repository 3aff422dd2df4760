// Elements of the page.

export function element(tag, className = "", ...children) {
  const node = document.createElement(tag);
  node.className = className;
  node.append(...children);
  return node;
}

export function newButton(className, ...children) {
  const button = element("button", className, ...children);
  button.type = "button";
  return button;
}

// One of the buttons that `pixels.css` draws as a choice.
export function choiceButton(title, onClick) {
  const button = newButton("choice", title);
  button.addEventListener("click", onClick);
  return button;
}

export function newCanvas(width, height) {
  const canvas = document.createElement("canvas");
  canvas.width = width;
  canvas.height = height;
  return canvas;
}

// Whether `node` has the focus, inside its shadow root.
export function hasFocus(node) {
  return node.getRootNode().activeElement === node;
}

// Replaces the children and keeps the focus on the child at the same position.
export function replaceKeepingFocus(parent, children) {
  const focused = [...parent.children].indexOf(parent.getRootNode().activeElement);
  parent.replaceChildren(...children);
  parent.children[focused]?.focus();
}
