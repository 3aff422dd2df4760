// Requests a redraw when the page's own timer misses some.

const MISSED_GAPS = 3; // times the latest gap between two redraws
const MIN_WAIT_S = 3;

export default function ({ data, parentElement, setTriggerValue }) {
  const now = performance.now() / 1000;
  const gap = now - (parentElement.drawn ?? -Infinity); // grows on a loaded machine
  parentElement.drawn = now;
  const patience = Math.min(Math.max(MISSED_GAPS * gap, MIN_WAIT_S), data.patience_s);
  clearInterval(parentElement.pulse);
  parentElement.pulse = setInterval(() => setTriggerValue("missed", Date.now()), 1000 * patience);
  return () => clearInterval(parentElement.pulse);
}
