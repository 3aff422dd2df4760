// The confusion matrix: a table with four toggle buttons. Streamlit calls the default export
// again on new counts; the table is built once and then only its texts change, so focus stays.
// With shared predictions it follows their threshold and computes its texts itself.

import { element } from "./browser/dom.js";
import { formatCount, formatShare } from "./browser/numbers.js";
import { followThreshold, sharedPredictions } from "./browser/shared_predictions.js";

const RATE_BASES = { row: "by row: of each label", column: "by column: of each prediction" };

export default function ({ data, parentElement, setStateValue }) {
  const matrix = parentElement.matrix ?? (parentElement.matrix = newMatrix(parentElement, data));
  matrix.report = (cell) => setStateValue("pick", { selected: data.selected, cell });
  matrix.stop?.();
  matrix.rewrite = () => writeTexts(matrix, data);
  matrix.rewrite();
  setOpenCell(matrix, data.open);
  if (!data.predictions_id) return undefined;
  matrix.stop = followThreshold(sharedPredictions(data.predictions_id), ({ all }) => {
    matrix.rewrite = () => writeTexts(matrix, tableFromCounts(data, all, matrix.by));
    matrix.rewrite();
  });
  return () => matrix.stop();
}

function newMatrix(parentElement, data) {
  const matrix = { columns: [], rows: [], totals: [], buttons: {}, by: "row" };
  const table = element("table");
  table.append(
    newHead(matrix, data),
    element("tbody", "", ...data.rows.map((row) => newRow(matrix, row))),
    newFoot(matrix),
  );
  const frame = element("div", "frame");
  if (data.predictions_id) frame.append(newRateChoice(matrix));
  frame.append(table);
  parentElement.append(frame);
  return matrix;
}

function newHead(matrix, data) {
  matrix.columns = data.columns.map(() => newHeader("col"));
  const total = newHeader("col", "total");
  total.firstChild.textContent = "Total";
  const head = element("thead");
  head.append(element("tr", "", element("td"), ...matrix.columns, total));
  return head;
}

function newRow(matrix, row) {
  const heading = newHeader("row");
  const total = element("td", "total");
  matrix.rows.push({ heading, total });
  const cells = row.cells.map(({ cell }) => element("td", "", newButton(matrix, cell)));
  return element("tr", "", heading, ...cells, total);
}

function newButton(matrix, cell) {
  const [name, count, rate] = ["name", "count", "rate"].map((part) => element("span", part));
  const isError = cell === "fp" || cell === "fn";
  const button = element("button", isError ? "error" : "correct", name, count, rate);
  button.type = "button";
  button.addEventListener("click", () => {
    const next = button.getAttribute("aria-pressed") === "true" ? null : cell;
    setOpenCell(matrix, next);
    matrix.report(next);
  });
  matrix.buttons[cell] = { button, name, count, rate };
  return button;
}

function newFoot(matrix) {
  const heading = newHeader("row", "total");
  heading.firstChild.textContent = "Total";
  matrix.totals = [0, 1, 2].map(() => element("td", "total"));
  return element("tfoot", "", element("tr", "", heading, ...matrix.totals));
}

function newRateChoice(matrix) {
  const choice = element("fieldset", "by", element("legend", "", "Rates"));
  for (const [by, words] of Object.entries(RATE_BASES)) {
    const radio = element("input");
    Object.assign(radio, { type: "radio", name: "by", checked: by === matrix.by });
    radio.addEventListener("change", () => {
      matrix.by = by;
      matrix.rewrite();
    });
    choice.append(element("label", "", radio, words));
  }
  return choice;
}

// The texts that confusion_matrix.py sends, for other counts and for rates by column.
function tableFromCounts(data, { tn, fp, fn, tp }, by) {
  const counts = [
    [tn, fp],
    [fn, tp],
  ];
  const rows = counts.map(([negative, positive]) => negative + positive);
  const columns = [tn + fn, fp + tp];
  return {
    class_names: data.class_names,
    columns: data.columns,
    totals: [...columns, tn + fp + fn + tp].map(formatCount),
    rows: data.rows.map((row, label) => ({
      heading: row.heading,
      total: formatCount(rows[label]),
      cells: row.cells.map((cell, called) => {
        const count = counts[label][called];
        const of = by === "row" ? rows[label] : columns[called];
        const kind = by === "row" ? data.class_names[label] : `called ${data.class_names[called]}`;
        const rate = of ? `${formatShare(count / of)} of ${kind}` : "–";
        return { ...cell, count: formatCount(count), rate, share: of ? count / of : 0 };
      }),
    })),
  };
}

function writeTexts(matrix, data) {
  matrix.columns.forEach((node, i) => setUnbrokenText(node.firstChild, data.columns[i]));
  matrix.totals.forEach((node, i) => (node.textContent = data.totals[i]));
  matrix.rows.forEach(({ heading, total }, i) => {
    setUnbrokenText(heading.firstChild, data.rows[i].heading);
    total.textContent = data.rows[i].total;
  });
  for (const { cell, name, count, rate, share } of data.rows.flatMap((row) => row.cells)) {
    const nodes = matrix.buttons[cell];
    nodes.name.textContent = name;
    nodes.count.textContent = count;
    setUnbrokenText(nodes.rate, rate);
    nodes.button.style.setProperty("--share", share);
  }
}

// Allows line breaks between words only, not inside "IDC-negative".
function setUnbrokenText(node, text) {
  if (node.textContent === text) return;
  const words = text.split(" ").flatMap((word) => [element("span", "word", word), " "]);
  node.replaceChildren(...words.slice(0, -1));
}

function setOpenCell(matrix, open) {
  for (const [cell, { button }] of Object.entries(matrix.buttons)) {
    button.setAttribute("aria-pressed", cell === open);
  }
}

function newHeader(scope, className = "") {
  // The inner span lets a narrow screen turn a row's heading upright.
  const th = element("th", className, element("span"));
  th.scope = scope;
  return th;
}
