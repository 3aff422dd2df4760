// Each case in two plots and a table, worst first, at the shared threshold. A case opens its
// patches; "Slide" opens its slide.

import { element } from "../components/browser/dom.js";
import { formatCount, formatScore, formatShare } from "../components/browser/numbers.js";
import { scoresFromCounts } from "../components/browser/scores.js";
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

const FIRST_ROWS = 10;
const ORDERS = {
  balanced: "lowest balanced accuracy",
  wrong: "largest share of wrong answers",
  gap: "largest gap in positive share",
};
const TRUE_SHARE = 2; // of the columns
const COLUMNS = ["Case", "Patches", "", "Predicted", "Balanced acc.", "Wrong", ""];

export default function ({ data, parentElement, setStateValue, setTriggerValue }) {
  const view = parentElement.view ?? (parentElement.view = newView(parentElement));
  view.open = (number) => {
    const next = number === view.opened ? null : number;
    view.opened = next;
    update(view);
    setStateValue("pick", { predictions_id: data.predictions_id, case: next });
  };
  view.goTo = (number) => setTriggerValue("slide", number);
  view.slides = data.slides;
  view.target = data.target;
  view.headings[TRUE_SHARE].textContent = `True ${data.target} share`;
  view.names = new Map(data.names);
  view.opened = data.open;
  view.stop?.();
  view.stop = followThreshold(sharedPredictions(data.predictions_id), (predictions) => {
    view.predictions = predictions;
    update(view);
  });
  return () => view.stop();
}

function newView(parentElement) {
  const view = { order: "balanced", all: false, rows: [], points: [], opened: null };
  view.plots = element("div", "plots");
  const select = element("select", "order");
  for (const [name, words] of Object.entries(ORDERS)) {
    const option = element("option", "", words);
    option.value = name;
    select.append(option);
  }
  select.addEventListener("change", () => {
    view.order = select.value;
    update(view);
  });
  const head = element("tr", "", ...COLUMNS.map((title) => element("th", "", title)));
  view.headings = [...head.children];
  for (const th of view.headings) th.scope = "col";
  view.body = element("tbody");
  view.more = element("button", "more");
  view.more.type = "button";
  view.more.addEventListener("click", () => {
    view.all = !view.all;
    update(view);
  });
  parentElement.append(
    view.plots,
    element("label", "sort", "Worst first, by ", select),
    element("div", "scroll", element("table", "", element("thead", "", head), view.body)),
    view.more,
  );
  return view;
}

function update(view) {
  if (!view.predictions) return;
  const cases = view.predictions.cases.map(({ number }, i) =>
    caseSummary(number, view.predictions.byCase[i]),
  );
  updatePlots(view, cases);
  cases.sort((one, other) => compareCases(one, other, view.order));
  const shown = view.all ? cases : cases.slice(0, FIRST_ROWS);
  while (view.rows.length < shown.length) view.rows.push(newRow(view));
  view.rows.length = shown.length;
  if (view.body.children.length !== shown.length) {
    view.body.replaceChildren(...view.rows.map(({ node }) => node));
  }
  shown.forEach((one, i) => writeRow(view.rows[i], one, view));
  view.more.hidden = cases.length <= FIRST_ROWS;
  view.more.textContent = view.all
    ? "Show the worst ten"
    : `Show all ${formatCount(cases.length)} cases`;
}

function caseSummary(number, { tn, fp, fn, tp }) {
  const patches = tn + fp + fn + tp;
  const { balanced_accuracy: balanced } = scoresFromCounts({ tn, fp, fn, tp });
  const truth = (fn + tp) / patches;
  const predicted = (fp + tp) / patches;
  return {
    number,
    patches,
    truth,
    predicted,
    balanced,
    wrong: (fp + fn) / patches,
    errors: fp + fn,
  };
}

// Cases of one class have no balanced accuracy; they come last, ordered by their errors.
function compareCases(one, other, order) {
  const rank = {
    balanced: (of) => (Number.isFinite(of.balanced) ? of.balanced : 2 - of.wrong),
    wrong: (of) => -of.wrong,
    gap: (of) => -Math.abs(of.predicted - of.truth),
  }[order];
  return rank(one) - rank(other) || one.number - other.number;
}

function newRow(view) {
  const row = { node: element("tr") };
  row.open = element("button", "case");
  row.open.type = "button";
  row.open.addEventListener("click", () => view.open(row.number));
  row.slide = element("button", "slide", "Slide");
  row.slide.type = "button";
  row.slide.addEventListener("click", () => view.goTo(row.number));
  const heading = element("th", "", row.open);
  heading.scope = "row";
  row.cells = [0, 1, 2, 3, 4].map(() => element("td"));
  row.node.append(heading, ...row.cells, element("td", "", row.slide));
  return row;
}

function writeRow(row, one, view) {
  row.number = one.number;
  const name = view.names.get(one.number);
  row.open.textContent = name;
  row.open.setAttribute("aria-label", `Patches of case ${name}`);
  row.open.setAttribute("aria-pressed", one.number === view.opened);
  row.slide.setAttribute("aria-label", `Slide of case ${name}`);
  row.slide.hidden = !view.slides;
  const words = [
    formatCount(one.patches),
    formatShare(one.truth),
    formatShare(one.predicted),
    Number.isFinite(one.balanced) ? formatScore(one.balanced) : "– (one class)",
    `${formatCount(one.errors)} (${formatShare(one.wrong)})`,
  ];
  words.forEach((text, i) => (row.cells[i].textContent = text));
}

function updatePlots(view, cases) {
  if (view.drawn !== view.predictions.content) {
    view.drawn = view.predictions.content;
    view.shares = newSharePlot(view, cases);
    view.ranks = newRankPlot(view, cases);
    view.plots.replaceChildren(view.shares.figure, view.ranks.figure);
  }
  cases.forEach((one, i) => positionMark(view.shares, i, one.truth, one.predicted));
  view.shares.numbers = cases.map(({ number }) => number);
  const order = [...cases].sort((one, other) => compareCases(one, other, "balanced"));
  const ranked = order.filter(({ balanced }) => Number.isFinite(balanced)).length;
  order.forEach(({ balanced }, i) => positionMark(view.ranks, i, (i + 0.5) / ranked, balanced));
  view.ranks.numbers = order.map(({ number }) => number);
  for (const { marks, numbers } of [view.shares, view.ranks]) {
    marks.forEach(({ node }, i) => node.setAttribute("aria-label", `case ${view.names.get(numbers[i])}`));
    setPressed(marks, numbers.indexOf(view.opened));
  }
}

function newSharePlot(view, cases) {
  const { target } = view;
  const plot = newPlot({
    label: `Each case: true against predicted ${target} share; each point opens its patches`,
    x: { title: `true ${target} share`, ticks: FIFTH_TICKS, words: formatPercent },
    y: { title: `predicted ${target} share`, ticks: FIFTH_TICKS, words: formatPercent },
  });
  const ends = [
    [0, 0],
    [1, 1],
  ];
  plot.root.append(plotPath(plot, ends, { class: "guess" }));
  return finishPlot(view, plot, cases, `${target} share of each case`);
}

function newRankPlot(view, cases) {
  const plot = newPlot({
    label: "Balanced accuracy of each case, the worst on the left; each point opens its patches",
    x: { title: "cases, the worst on the left", ticks: [], words: String },
    y: { title: "balanced accuracy", ticks: FIFTH_TICKS, words: formatTenths },
  });
  const half = [
    [0, 0.5],
    [1, 0.5],
  ];
  plot.root.append(plotPath(plot, half, { class: "guess" }));
  return finishPlot(view, plot, cases, "Balanced accuracy of each case");
}

// The case of a mark changes with the threshold: `numbers` holds the case of each mark.
function finishPlot(view, plot, cases, title) {
  const marks = cases.map(() => ({
    node: svgElement(
      "g",
      {},
      svgElement("circle", { r: 11, class: "hit" }),
      svgElement("circle", { r: 5, class: "ink" }),
    ),
  }));
  plot.root.append(...marks.map(({ node }) => node));
  const figure = element("figure", "", element("figcaption", "", title), plot.root);
  const drawn = { plot, marks, figure, numbers: [] };
  makePressable(marks, (i) => view.open(drawn.numbers[i]));
  return drawn;
}

function positionMark({ plot, marks }, i, x, y) {
  const { node } = marks[i];
  const known = Number.isFinite(y);
  node.style.display = known ? "" : "none";
  if (known) node.setAttribute("transform", `translate(${plot.x(x)} ${plot.y(y)})`);
}
