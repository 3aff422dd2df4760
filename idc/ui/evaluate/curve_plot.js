// ROC and precision-recall curve with the point of the shared threshold, and published results.
// A published balanced accuracy or F1 without its two rates is a line of all points with that score.

import { element } from "../components/browser/dom.js";
import { formatScore } from "../components/browser/numbers.js";
import { scoresFromCounts } from "../components/browser/scores.js";
import { followThreshold, sharedPredictions } from "../components/browser/shared_predictions.js";
import { FIFTH_TICKS, formatTenths, newPlot, plotPath, svgElement } from "./plot.js";

const DASHES = ["9 4", "3 3", "12 3 3 3"];

export default function ({ data, parentElement }) {
  const view = parentElement.view ?? (parentElement.view = element("div"));
  parentElement.append(view);
  view.stop?.();
  const [roc, recall] = [newRoc(data), newPrecisionRecall(data)];
  view.replaceChildren(
    element("div", "plots", roc.figure, recall.figure),
    newLegend([
      ["this run", "ours", ""],
      ...data.published.map(({ name }, i) => [name, "theirs", DASHES[i % DASHES.length]]),
    ]),
  );
  view.stop = followThreshold(sharedPredictions(data.predictions_id), ({ all, threshold }) => {
    const scores = scoresFromCounts(all);
    moveMark(roc, 1 - scores.specificity, scores.sensitivity, threshold);
    moveMark(recall, scores.sensitivity, scores.precision, threshold);
  });
  return () => view.stop();
}

function newRoc(data) {
  return newCurve({
    title: "ROC curve",
    figures: `area ${formatScore(data.roc_auc ?? NaN)}`,
    x: "false positive rate (1 − specificity)",
    y: "sensitivity",
    guess: [
      [0, 0],
      [1, 1],
    ],
    points: data.roc,
    lines: data.published.map(({ name, roc, balanced_accuracy: value }) => ({
      points: roc,
      words: `${name}: balanced accuracy ${formatScore(value)}`,
    })),
  });
}

function newPrecisionRecall(data) {
  return newCurve({
    title: "Precision-recall curve",
    figures: `average precision ${formatScore(data.average_precision ?? NaN)}`,
    x: "recall (sensitivity)",
    y: "precision",
    guess: [
      [0, data.positive_share],
      [1, data.positive_share],
    ],
    points: data.recall,
    lines: data.published.map(({ name, recall, f1 }) => ({
      points: recall,
      words: `${name}: F1 ${formatScore(f1)}`,
    })),
  });
}

function newCurve({ title, figures, x, y, guess, points, lines }) {
  const plot = newPlot({
    label: `${title}, ${figures}`,
    x: { title: x, ticks: FIFTH_TICKS, words: formatTenths },
    y: { title: y, ticks: FIFTH_TICKS, words: formatTenths },
  });
  plot.root.setAttribute("role", "img");
  plot.root.append(plotPath(plot, guess, { class: "guess" }));
  lines.forEach(({ points: line, words }, i) => {
    if (!line.length) return;
    const dash = DASHES[i % DASHES.length];
    const drawn = plotPath(plot, line, { class: "theirs", "stroke-dasharray": dash });
    drawn.append(svgElement("title", {}, words));
    plot.root.append(drawn);
  });
  if (points.length) plot.root.append(plotPath(plot, points, { class: "ours" }));
  const mark = svgElement("circle", { r: 7, class: "mark" });
  mark.append(svgElement("title"));
  plot.root.append(mark);
  const caption = element("figcaption", "", title, element("span", "", ` · ${figures}`));
  if (!points.length)
    caption.append(element("span", "", " (undefined: patches of one class only)"));
  return { plot, mark, figure: element("figure", "", caption, plot.root) };
}

function moveMark({ plot, mark }, x, y, threshold) {
  const known = Number.isFinite(x) && Number.isFinite(y);
  mark.style.display = known ? "" : "none";
  if (!known) return;
  mark.setAttribute("cx", plot.x(x));
  mark.setAttribute("cy", plot.y(y));
  mark.firstChild.textContent = `threshold ${threshold}: ${formatScore(x)}, ${formatScore(y)}`;
}

function newLegend(entries) {
  const list = element("ul", "legend");
  for (const [words, kind, dash] of entries) {
    const sample = svgElement("svg", { viewBox: "0 0 26 10", "aria-hidden": "true" });
    sample.append(svgElement("path", { d: "M0 5L26 5", class: kind, "stroke-dasharray": dash }));
    list.append(element("li", "", sample, words));
  }
  return list;
}
