// Asks for a redraw when none has come for a while: a page that redraws itself may miss its beat.
export default function ({ data, parentElement, setTriggerValue }) {
  clearInterval(parentElement.pulse);
  parentElement.pulse = setInterval(
    () => setTriggerValue("missed", Date.now()),
    1000 * data.patience_s,
  );
  return () => clearInterval(parentElement.pulse);
}
