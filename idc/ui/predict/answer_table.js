// Predictions as a table. Headings request another order from Python; a row's button opens its
// patch.

import { element } from "../components/browser/dom.js";

const CLASS_TEXTS = ["− negative", "+ positive"];
const COLUMNS = [
  { title: "File", by: "name" },
  { title: "Label", by: "label" },
  { title: "Probability", by: "y_prob", descends: true },
  { title: "Called", name: "called" },
  { title: "Warning", name: "warning" },
];

export default function ({ data, parentElement, setStateValue, setTriggerValue }) {
  const table = parentElement.table ?? (parentElement.table = newTable(parentElement));
  table.sort = (order) => setStateValue("order", order);
  table.open = (place) => setTriggerValue("open", place);
  table.order = data.order;
  table.node.classList.toggle("unlabelled", !data.labelled);
  table.node.classList.toggle("unwarned", !data.warned);
  writeHeadings(table);
  const columns = data.sprite_columns;
  table.body.replaceChildren(...data.rows.map((row, i) => newRow(table, row, i, data, columns)));
}

function newTable(parentElement) {
  const table = { headings: [] };
  const cells = COLUMNS.map(({ title, by, name, descends }) => {
    const th = element("th", by ?? name);
    th.scope = "col";
    if (!by) {
      th.append(title);
      return th;
    }
    const sign = element("span", "sign");
    sign.ariaHidden = "true";
    const button = element("button", "", title, sign);
    button.type = "button";
    button.addEventListener("click", () => table.sort(nextOrder(table.order, by, descends)));
    th.append(button);
    table.headings.push({ th, by, sign });
    return th;
  });
  table.body = element("tbody");
  table.node = element("table", "", element("thead", "", element("tr", "", ...cells)), table.body);
  parentElement.append(table.node);
  return table;
}

// The usual direction, then the reverse, then the order of upload.
function nextOrder(order, by, descends = false) {
  if (order.by !== by) return { by, descending: descends };
  if (order.descending === descends) return { by, descending: !descends };
  return { by: "place", descending: false };
}

function writeHeadings({ headings, order }) {
  for (const { th, by, sign } of headings) {
    const sorted = order.by === by;
    th.ariaSort = sorted ? (order.descending ? "descending" : "ascending") : "none";
    sign.textContent = sorted ? (order.descending ? " ▼" : " ▲") : "";
  }
}

function newRow(table, row, i, data, columns) {
  const picture = element("span", "picture");
  const rows = Math.ceil(data.rows.length / columns);
  picture.style.backgroundImage = `url(${data.sprite})`;
  picture.style.backgroundSize = `${100 * columns}% ${100 * rows}%`;
  picture.style.backgroundPosition = `${spritePosition(i % columns, columns)} ${spritePosition(Math.floor(i / columns), rows)}`;
  // The file name without folders; the tooltip shows the path.
  const name = element("span", "name", row.name.split("/").at(-1));
  const button = element("button", "file", picture, name);
  button.type = "button";
  button.title = row.name;
  button.setAttribute("aria-pressed", row.place === data.opened);
  button.addEventListener("click", () => table.open(row.place));
  const heading = element("th", "name", button);
  heading.scope = "row";
  const bar = element("span", "bar");
  bar.style.setProperty("--share", row.y_prob);
  const wrong = row.label !== null && row.label !== row.called;
  return element(
    "tr",
    wrong ? "wrong" : "",
    heading,
    element("td", "label", row.label === null ? "–" : CLASS_TEXTS[row.label]),
    element("td", "y_prob", row.y_prob.toFixed(3), bar),
    element("td", `called is${row.called}`, CLASS_TEXTS[row.called], wrong ? " ✗ wrong" : ""),
    warningCell(row.warning),
  );
}

// At most two lines; the tooltip shows all of it, and so does the opened patch.
function warningCell(warning) {
  const text = element("span", "two-lines", warning);
  text.title = warning;
  return element("td", "warning", text);
}

function spritePosition(place, count) {
  return count > 1 ? `${(100 * place) / (count - 1)}%` : "0%";
}
