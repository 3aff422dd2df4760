// The threshold: a slider, its number, and named thresholds. Moving it moves the board; Python hears
// of it once the hand rests.

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
  bar.board = sharedPredictions(data.board);
  bar.report = (threshold) =>
    setStateValue("moved", { board: data.board, showing: data.showing, threshold });
  loadPredictions(bar.board, data);
  showPresets(bar, data.presets);
  bar.note.textContent = data.note;
  bar.stop?.();
  bar.stop = followThreshold(bar.board, (board) => update(bar, board));
  // Once in a showing; from then on the hand alone moves it.
  if (bar.board.showing !== data.showing || bar.board.threshold === null) {
    bar.board.showing = data.showing;
    setThreshold(bar.board, data.threshold);
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
  number.addEventListener("blur", () => (number.value = formatThreshold(bar.board.threshold)));
  return bar;
}

// While the bar is held below the page's transparent header, nothing may scroll by between them.
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
  setThreshold(bar.board, threshold);
  clearTimeout(bar.resting);
  bar.resting = setTimeout(() => {
    bar.resting = 0;
    bar.report(threshold);
  }, REST_MS);
}

function update(bar, board) {
  const { threshold } = board;
  const scores = scoresFromCounts(board.all);
  bar.slider.value = threshold;
  // Nobody's typing is overwritten.
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

// 0.437 and not 0.43700000000000006; a chosen threshold keeps the digits that it needs.
function formatThreshold(threshold) {
  return String(Number(threshold.toPrecision(12)));
}
