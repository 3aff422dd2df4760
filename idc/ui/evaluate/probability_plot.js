// Histogram of the probabilities of each class, and calibration. Each bar and point opens its
// patches.

import { element } from "../components/browser/dom.js";
import { formatCount, formatShare } from "../components/browser/numbers.js";
import { followThreshold, sharedPredictions } from "../components/browser/shared_predictions.js";
import {
  FIFTH_TICKS,
  formatPercent,
  formatTenths,
  makePressable,
  newPlot,
  plotPath,
  setPressed,
  svgElement,
} from "./plot.js";

export default function ({ data, parentElement, setStateValue }) {
  const view = parentElement.view ?? (parentElement.view = element("div"));
  parentElement.append(view);
  const open = (chosen) => {
    const next = isSameMark(chosen, view.opened) ? null : chosen;
    setOpened(view, next);
    setStateValue("pick", { predictions_id: data.predictions_id, chosen: next });
  };
  if (view.content !== data.content) {
    view.content = data.content;
    Object.assign(view, {
      histogram: newHistogram(data, open),
      calibration: newCalibration(data, open),
    });
    view.replaceChildren(element("div", "plots", view.histogram.figure, view.calibration.figure));
  }
  setOpened(view, data.open);
  view.stop?.();
  view.stop = followThreshold(sharedPredictions(data.predictions_id), ({ threshold }) => {
    for (const { plot, line } of [view.histogram, view.calibration]) {
      line.setAttribute("x1", plot.x(threshold));
      line.setAttribute("x2", plot.x(threshold));
    }
  });
  return () => view.stop();
}

function newHistogram({ histogram, class_names: names, target }, open) {
  const most = Math.max(1, ...histogram.flat());
  const steps = [0, 0.05, 0.25, 1].map((part) => roundDown(part * most));
  const plot = newPlot({
    label: "Histogram of the probabilities of each class; each bar opens its patches",
    x: { title: `probability of ${target}`, ticks: FIFTH_TICKS, words: formatTenths },
    // Square root, so that small bars are visible and clickable.
    y: {
      title: "patches (square-root scale)",
      ticks: [...new Set(steps)],
      words: formatCount,
      place: (count) => Math.sqrt(count / most),
    },
  });
  const width = (plot.right - plot.left) / histogram.length;
  const marks = histogram.flatMap((counts, bin) =>
    counts.map((count, label) => {
      const left = plot.left + bin * width + 0.5 + (label * (width - 1)) / 2;
      const box = { x: left, width: (width - 1) / 2 };
      const hit = svgElement("rect", {
        ...box,
        y: plot.top,
        height: plot.bottom - plot.top,
        class: "hit",
      });
      const top = plot.y(count);
      const ink = svgElement("rect", {
        ...box,
        y: top,
        height: plot.bottom - top,
        class: `ink ${label ? "positive" : "negative"}`,
      });
      return {
        node: svgElement(
          "g",
          { "aria-label": describeBar(bin, histogram.length, count, names[label]) },
          hit,
          ink,
        ),
        chosen: { kind: "bar", bin, label },
      };
    }),
  );
  const keys = names.map((name, label) => {
    const box = svgElement("rect", {
      width: 14,
      height: 10,
      class: label ? "positive" : "negative",
    });
    return element("li", "", svgElement("svg", { viewBox: "0 0 14 10" }, box), name);
  });
  return finishPlot(plot, marks, open, "Probabilities", element("ul", "legend", ...keys));
}

function describeBar(bin, bins, count, className) {
  const [low, high] = [bin, bin + 1].map((border) => (border / bins).toFixed(2));
  return `${low} to ${high}: ${formatCount(count)} ${className} patches`;
}

function newCalibration({ calibration, class_names: names, target }, open) {
  const plot = newPlot({
    label: `Calibration: share of ${names[1]} patches by probability; each point opens its patches`,
    x: { title: `mean probability of ${target}`, ticks: FIFTH_TICKS, words: formatTenths },
    y: { title: `share that is ${names[1]}`, ticks: FIFTH_TICKS, words: formatPercent },
  });
  const ends = [
    [0, 0],
    [1, 1],
  ];
  const between = calibration.map(({ y_prob, positive_share }) => [y_prob, positive_share]);
  plot.root.append(plotPath(plot, ends, { class: "guess" }));
  if (between.length) plot.root.append(plotPath(plot, between, { class: "through" }));
  const marks = calibration.map(({ bin, y_prob, positive_share, patches }) => {
    const words =
      `mean probability ${y_prob.toFixed(2)}: ${formatShare(positive_share)} of ` +
      `${formatCount(patches)} patches are ${names[1]}`;
    const at = { cx: plot.x(y_prob), cy: plot.y(positive_share) };
    return {
      node: svgElement(
        "g",
        { "aria-label": words },
        svgElement("circle", { ...at, r: 13, class: "hit" }),
        svgElement("circle", { ...at, r: 6, class: "ink point" }),
      ),
      chosen: { kind: "point", bin },
    };
  });
  const note = element("p", "note", "On the dotted line, probabilities are calibrated.");
  return finishPlot(plot, marks, open, "Calibration", note);
}

function finishPlot(plot, marks, open, title, below) {
  const line = svgElement("line", {
    y1: plot.top,
    y2: plot.bottom,
    class: "at",
    "aria-hidden": "true",
  });
  plot.root.append(...marks.map(({ node }) => node), line);
  line.style.pointerEvents = "none";
  makePressable(marks, (i) => open(marks[i].chosen));
  const figure = element("figure", "", element("figcaption", "", title), plot.root, below);
  return { plot, line, marks, figure };
}

function setOpened(view, opened) {
  view.opened = opened;
  for (const { marks } of [view.histogram, view.calibration]) {
    setPressed(
      marks,
      marks.findIndex(({ chosen }) => isSameMark(chosen, opened)),
    );
  }
}

function isSameMark(one, other) {
  if (!one || !other) return false;
  return ["kind", "bin", "label"].every((name) => one[name] === other[name]);
}

// The largest of 1, 2, 5, 10, 20, ... that is at most `count`.
function roundDown(count) {
  if (count < 1) return 0;
  const power = 10 ** Math.floor(Math.log10(count));
  return power * [5, 2, 1].find((factor) => factor * power <= count);
}
