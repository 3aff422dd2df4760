// How the probabilities lie: a histogram of each class, and how often each is right (calibration).
// Every bar and every point opens its patches.

const NAMES = ["IDC-negative", "IDC-positive"];

export default function ({ data, parentElement, setStateValue }) {
  const view = parentElement.view ?? (parentElement.view = element("div"));
  parentElement.append(view);
  const open = (chosen) => {
    const next = sameNumber(chosen, view.opened) ? null : chosen;
    show(view, next);
    setStateValue("pick", { board: data.board, chosen: next });
  };
  if (view.content !== data.content) {
    view.content = data.content;
    Object.assign(view, { histogram: newHistogram(data, open), calibration: newCalibration(data, open) });
    view.replaceChildren(
      element("div", "plots", view.histogram.figure, view.calibration.figure),
    );
  }
  show(view, data.open);
  view.stop?.();
  view.stop = follow(boardOf(data.board), ({ threshold }) => {
    for (const { plot, line } of [view.histogram, view.calibration]) {
      line.setAttribute("x1", plot.x(threshold));
      line.setAttribute("x2", plot.x(threshold));
    }
  });
  return () => view.stop();
}

function newHistogram({ histogram }, open) {
  const most = Math.max(1, ...histogram.flat());
  const steps = [0, 0.05, 0.25, 1].map((part) => niceBelow(part * most));
  const plot = newPlot({
    label: "Histogram of the probabilities of each class; each bar opens its patches",
    x: { title: "probability of IDC", ticks: FIFTHS, words: tenths },
    // By its root, so that small bars can be seen and pressed beside large ones.
    y: {
      title: "patches (square-root scale)",
      ticks: [...new Set(steps)],
      words: whole,
      place: (count) => Math.sqrt(count / most),
    },
  });
  const width = (plot.right - plot.left) / histogram.length;
  const marks = histogram.flatMap((counts, bin) =>
    counts.map((count, label) => {
      const left = plot.left + bin * width + 0.5 + (label * (width - 1)) / 2;
      const box = { x: left, width: (width - 1) / 2 };
      const hit = shape("rect", { ...box, y: plot.top, height: plot.bottom - plot.top, class: "hit" });
      const top = plot.y(count);
      const ink = shape("rect", {
        ...box,
        y: top,
        height: plot.bottom - top,
        class: `ink ${label ? "positive" : "negative"}`,
      });
      return {
        node: shape("g", { "aria-label": barWords(bin, histogram.length, count, label) }, hit, ink),
        chosen: { kind: "bar", bin, label },
      };
    }),
  );
  const keys = NAMES.map((name, label) => {
    const box = shape("rect", { width: 14, height: 10, class: label ? "positive" : "negative" });
    return element("li", "", shape("svg", { viewBox: "0 0 14 10" }, box), name);
  });
  return finished(plot, marks, open, "Probabilities", element("ul", "legend", ...keys));
}

function barWords(bin, bins, count, label) {
  const [low, high] = [bin, bin + 1].map((border) => (border / bins).toFixed(2));
  return `${low} to ${high}: ${whole(count)} ${NAMES[label]} patches`;
}

function newCalibration({ calibration }, open) {
  const plot = newPlot({
    label: "Calibration: share of IDC-positive patches by probability; each point opens its patches",
    x: { title: "mean probability of IDC", ticks: FIFTHS, words: tenths },
    y: { title: "share that is IDC-positive", ticks: FIFTHS, words: percent },
  });
  const ends = [
    [0, 0],
    [1, 1],
  ];
  const between = calibration.map(({ y_prob, positive_share }) => [y_prob, positive_share]);
  plot.root.append(path(plot, ends, { class: "guess" }));
  if (between.length) plot.root.append(path(plot, between, { class: "through" }));
  const marks = calibration.map(({ bin, y_prob, positive_share, patches }) => {
    const words =
      `mean probability ${y_prob.toFixed(2)}: ${share(positive_share)} of ` +
      `${whole(patches)} patches are IDC-positive`;
    const at = { cx: plot.x(y_prob), cy: plot.y(positive_share) };
    return {
      node: shape(
        "g",
        { "aria-label": words },
        shape("circle", { ...at, r: 13, class: "hit" }),
        shape("circle", { ...at, r: 6, class: "ink point" }),
      ),
      chosen: { kind: "point", bin },
    };
  });
  const note = element("p", "note", "On the dotted line, a probability can be taken at its word.");
  return finished(plot, marks, open, "Calibration", note);
}

function finished(plot, marks, open, title, below) {
  const line = shape("line", { y1: plot.top, y2: plot.bottom, class: "at", "aria-hidden": "true" });
  plot.root.append(...marks.map(({ node }) => node), line);
  line.style.pointerEvents = "none";
  pressable(marks, (i) => open(marks[i].chosen));
  const figure = element("figure", "", element("figcaption", "", title), plot.root, below);
  return { plot, line, marks, figure };
}

function show(view, opened) {
  view.opened = opened;
  for (const { marks } of [view.histogram, view.calibration]) {
    press(marks, marks.findIndex(({ chosen }) => sameNumber(chosen, opened)));
  }
}

function sameNumber(one, other) {
  if (!one || !other) return false;
  return ["kind", "bin", "label"].every((name) => one[name] === other[name]);
}

// The largest of 1, 2, 5, 10, 20, ... that is not above a count.
function niceBelow(count) {
  if (count < 1) return 0;
  const power = 10 ** Math.floor(Math.log10(count));
  return power * [5, 2, 1].find((factor) => factor * power <= count);
}
