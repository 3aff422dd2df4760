// The shared threshold: a slider, a number field and named thresholds. Python is notified once the
// slider rests.

import { element } from "../components/browser/dom.js";
import { formatScore } from "../components/browser/numbers.js";
import { scoresFromCounts } from "../components/browser/scores.js";
import {
  followThreshold,
  loadPredictions,
  setThreshold,
  sharedPredictions,
} from "../components/browser/shared_predictions.js";

const REST_MS = 250;

export default function ({ data, parentElement, setStateValue }) {
  const bar = parentElement.bar ?? (parentElement.bar = newBar(parentElement));
  bar.predictions = sharedPredictions(data.predictions_id);
  bar.report = (threshold) =>
    setStateValue("moved", { predictions_id: data.predictions_id, showing: data.showing, threshold });
  loadPredictions(bar.predictions, data);
  showPresets(bar, data.presets);
  bar.note.textContent = data.note;
  bar.stop?.();
  bar.stop = followThreshold(bar.predictions, (predictions) => update(bar, predictions));
  // Python sets it once per `showing`; after that only the visitor moves it.
  if (bar.predictions.showing !== data.showing || bar.predictions.threshold === null) {
    bar.predictions.showing = data.showing;
    setThreshold(bar.predictions, data.threshold);
  }
  return () => {
    clearTimeout(bar.resting);
    bar.stop();
  };
}

function newBar(parentElement) {
  const slider = element("input", "slider");
  Object.assign(slider, { type: "range", id: "threshold", min: 0, max: 1, step: 0.001 });
  const number = element("input", "number");
  Object.assign(number, { type: "number", min: 0, max: 1, step: 0.001 });
  number.setAttribute("aria-label", "Threshold as a number");
  const label = element("label", "label", "Threshold");
  label.htmlFor = "threshold";
  const presets = element("div", "presets");
  presets.setAttribute("role", "group");
  presets.setAttribute("aria-label", "Named thresholds");
  const facts = element("dl", "facts");
  const note = element("p", "note");
  const frame = element(
    "div",
    "frame",
    element("div", "bar", label, slider, number, presets, facts),
    note,
  );
  parentElement.append(frame);
  markWhileStuck(frame);
  const bar = { slider, number, presets, note, resting: 0, ...newFacts(facts) };
  slider.addEventListener("input", () => changeThreshold(bar, slider.valueAsNumber));
  number.addEventListener("input", () => {
    const value = number.valueAsNumber;
    if (value >= 0 && value <= 1) changeThreshold(bar, value);
  });
  number.addEventListener(
    "blur",
    () => (number.value = formatThreshold(bar.predictions.threshold)),
  );
  return bar;
}

// Sets the class `stuck` while the bar sticks below the page's transparent header, so that the style
// sheet can cover what scrolls between them.
function markWhileStuck(frame) {
  const header = "-61px 0px 0px 0px";
  new IntersectionObserver(
    ([{ intersectionRatio, boundingClientRect }]) => {
      frame.classList.toggle("stuck", intersectionRatio < 1 && boundingClientRect.top < 100);
    },
    { rootMargin: header, threshold: 1 },
  ).observe(frame);
}

function newFacts(list) {
  const facts = {};
  for (const [name, title] of [
    ["sensitivity", "Sensitivity"],
    ["specificity", "Specificity"],
    ["balanced_accuracy", "Balanced accuracy"],
  ]) {
    facts[name] = element("dd");
    list.append(element("div", "", element("dt", "", title), facts[name]));
  }
  return { facts };
}

function showPresets(bar, presets) {
  bar.buttons = presets.map(({ title, threshold, meaning }) => {
    const button = element("button", "preset", title);
    button.type = "button";
    button.title = meaning;
    button.setAttribute("aria-description", meaning);
    button.addEventListener("click", () => changeThreshold(bar, threshold));
    return { button, threshold };
  });
  const focused = [...bar.presets.children].indexOf(bar.presets.getRootNode().activeElement);
  bar.presets.replaceChildren(...bar.buttons.map(({ button }) => button));
  bar.presets.children[focused]?.focus();
}

function changeThreshold(bar, threshold) {
  setThreshold(bar.predictions, threshold);
  clearTimeout(bar.resting);
  bar.resting = setTimeout(() => {
    bar.resting = 0;
    bar.report(threshold);
  }, REST_MS);
}

function update(bar, predictions) {
  const { threshold } = predictions;
  const scores = scoresFromCounts(predictions.all);
  bar.slider.value = threshold;
  // Do not overwrite a number while it is being typed.
  if (bar.number.getRootNode().activeElement !== bar.number)
    bar.number.value = formatThreshold(threshold);
  for (const [name, node] of Object.entries(bar.facts))
    node.textContent = formatScore(scores[name]);
  bar.slider.setAttribute(
    "aria-valuetext",
    `${formatThreshold(threshold)}: sensitivity ${formatScore(scores.sensitivity)}, ` +
      `specificity ${formatScore(scores.specificity)}`,
  );
  bar.slider.style.setProperty("--at", threshold);
  for (const { button, threshold: named } of bar.buttons) {
    button.setAttribute("aria-pressed", named === threshold);
  }
}

// At most 12 significant digits: 0.437 and not 0.43700000000000006.
function formatThreshold(threshold) {
  return String(Number(threshold.toPrecision(12)));
}
