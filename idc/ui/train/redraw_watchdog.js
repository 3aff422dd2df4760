// Asks for a redraw when none has come for a while: a page that redraws itself may miss its beat.
const MISSED_GAPS = 3; // so many of the latest gap between two redraws are waited for
const MIN_WAIT_S = 3;

export default function ({ data, parentElement, setTriggerValue }) {
  const now = performance.now() / 1000;
  const gap = now - (parentElement.drawn ?? -Infinity); // a machine under load draws seldom
  parentElement.drawn = now;
  const patience = Math.min(Math.max(MISSED_GAPS * gap, MIN_WAIT_S), data.patience_s);
  clearInterval(parentElement.pulse);
  parentElement.pulse = setInterval(() => setTriggerValue("missed", Date.now()), 1000 * patience);
  return () => clearInterval(parentElement.pulse);
}
