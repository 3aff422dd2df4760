// The scores with their intervals. Values follow the shared threshold at once; intervals are
// computed in Python once it rests and are blank while it moves.

import { element } from "../components/browser/dom.js";
import { formatCount, formatScore } from "../components/browser/numbers.js";
import { scoresFromCounts } from "../components/browser/scores.js";
import { followThreshold, sharedPredictions } from "../components/browser/shared_predictions.js";

export default function ({ data, parentElement }) {
  const table = parentElement.table ?? (parentElement.table = newTable(parentElement, data));
  table.data = data;
  table.stop?.();
  update(table, data.threshold, null);
  table.stop = followThreshold(sharedPredictions(data.predictions_id), (predictions) => {
    update(table, predictions.threshold, scoresFromCounts(predictions.all));
  });
  return () => table.stop();
}

function newTable(parentElement, data) {
  const cards = element("div", "cards");
  const body = element("tbody");
  const titles = ["Score", "Value", "95 % interval", "0 to 1", "Half of the cases"];
  const head = element("tr", "", ...titles.map((title) => element("th", "", title)));
  for (const th of head.children) th.scope = "col";
  const more = element(
    "details",
    "more",
    element("summary", "", "All scores, with their spread among cases"),
    element("table", "", element("thead", "", head), body),
  );
  parentElement.append(cards, more);
  const table = { cards: {}, rows: {} };
  for (const one of data.scores) {
    if (one.headline) cards.append((table.cards[one.name] = newCard(one)).node);
    body.append((table.rows[one.name] = newRow(one)).node);
  }
  more.open = true;
  return table;
}

function newCard({ title, meaning }) {
  const value = element("div", "value");
  const interval = element("div", "interval");
  const node = element("div", "card", element("div", "title", title), value, interval);
  node.title = meaning;
  return { node, value, interval };
}

function newRow({ title, meaning }) {
  const name = element(
    "th",
    "",
    element("span", "name", title),
    element("span", "meaning", meaning),
  );
  name.scope = "row";
  const [value, interval, picture, cases] = ["value", "interval", "picture", "cases"].map((part) =>
    element("td", part),
  );
  const [range, half, certain, mark] = ["range", "half", "certain", "mark"].map((part) =>
    element("i", part),
  );
  picture.append(element("div", "track", range, half, certain, mark));
  picture.setAttribute("aria-hidden", "true"); // Redundant to the other columns.
  const aside = element("span", "meaning");
  name.append(aside);
  const node = element("tr", "", name, value, interval, picture, cases);
  return { node, value, interval, cases, aside, range, half, certain, mark };
}

function update(table, threshold, live) {
  const resting = threshold === table.data.threshold;
  for (const one of table.data.scores) {
    const moves = live !== null && one.name in live;
    const value = moves ? live[one.name] : one.value;
    const known = resting || !moves;
    for (const at of [table.cards[one.name], table.rows[one.name]]) {
      if (!at) continue;
      at.value.textContent = formatScore(value ?? NaN);
      at.interval.textContent = known ? formatInterval(one) : "…";
    }
    const row = table.rows[one.name];
    row.interval.classList.toggle("undefined", Boolean(one.no_interval));
    row.cases.textContent = known ? formatCaseRange(one) : "…";
    row.aside.textContent = one.aside;
    positionBar(row.mark, value, value);
    positionBar(row.certain, known ? one.low : null, one.high);
    positionBar(row.half, known ? one.case_quartiles[0] : null, one.case_quartiles[2]);
    positionBar(row.range, known ? one.case_range[0] : null, one.case_range[1]);
  }
}

function formatInterval({ low, high, undefined: why, no_interval: whyNot }) {
  if (why) return `undefined: ${why}`;
  if (whyNot) return `no interval: ${whyNot}`;
  return `${formatScore(low)} – ${formatScore(high)}`;
}

function formatCaseRange({ case_quartiles: [low, , high], cases }) {
  if (!cases) return "undefined in every case";
  return `${formatScore(low)} – ${formatScore(high)} (of ${formatCount(cases)})`;
}

function positionBar(mark, low, high) {
  mark.hidden = !Number.isFinite(low);
  if (mark.hidden) return;
  mark.style.left = `${100 * low}%`;
  mark.style.width = `${100 * (high - low)}%`;
}
