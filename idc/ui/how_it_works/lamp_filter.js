// A light of 5 x 7 lamps, a filter of 5 x 7 panes before it, and a camera that adds up the light
// that passes and fires from a threshold on. Runs in the browser alone.

import { choiceButton, element } from "../components/browser/dom.js";
import { cellAfterKey } from "../components/browser/grid_cells.js";

const COLUMNS = 5;
const ROWS = 7;
const DIGITS = {
  1: "..#.. .##.. ..#.. ..#.. ..#.. ..#.. .###.",
  0: ".###. #...# #...# #...# #...# #...# .###.",
};
const SHAPES = Object.fromEntries(
  Object.entries(DIGITS).map(([digit, rows]) => [
    digit,
    [...rows.replaceAll(" ", "")].map((sign) => Number(sign === "#")),
  ]),
);
const PANE_KINDS = {
  1: { name: "clear", sign: "+1" },
  0: { name: "ignored", sign: "0" },
  [-1]: { name: "against", sign: "−1" },
};
const NEXT_WEIGHT = { 1: -1, [-1]: 0, 0: 1 };
const FIRST_THRESHOLD = 8;
const STEP_MS = 140;

// +1 where the digit has a lamp, -1 where only the other digit has one.
const filterForDigit = (digit) =>
  SHAPES[digit].map((on, at) => (on ? 1 : SHAPES[1 - digit][at] ? -1 : 0));
const PRESETS = [
  ["Lets the 1 through", () => filterForDigit(1)],
  ["Lets the 0 through", () => filterForDigit(0)],
  ["Clear glass: lets both through", () => SHAPES[0].map(() => 1)],
  ["Start with an empty one", () => SHAPES[0].map(() => 0)],
];

export default function ({ parentElement }) {
  const bench = (parentElement.bench ??= newBench(parentElement));
  return () => clearInterval(bench.counting);
}

function newBench(parentElement) {
  const bench = {
    light: [...SHAPES[1]],
    digit: "1",
    panes: filterForDigit(1),
    counting: 0,
    counted: null,
  };
  bench.threshold = FIRST_THRESHOLD;
  const stage = element("div", "stage", lightPanel(bench), filterPanel(bench), cameraPanel(bench));
  parentElement.append(stage, verdictPanel(bench));
  update(bench);
  return bench;
}

function lightPanel(bench) {
  bench.lamps = newGrid("Lamps of the light", (at) => {
    const on = 1 - bench.light[at];
    return (other) => setLamp(bench, other, on);
  });
  bench.digits = ["1", "0"].map((digit) =>
    choiceButton(`Show a ${digit}`, () => changeBench(bench, { light: [...SHAPES[digit]], digit })),
  );
  const worn = choiceButton("Break a lamp", () => {
    const at = Math.floor(Math.random() * COLUMNS * ROWS);
    setLamp(bench, at, 1 - bench.light[at]);
  });
  return element(
    "section",
    "panel",
    element("h4", "", "The light"),
    bench.lamps.frame,
    element("div", "buttons", ...bench.digits, worn),
    element("p", "hint", "Click lamps to switch them."),
  );
}

function filterPanel(bench) {
  bench.glass = newGrid("Panes of the filter", (at) => {
    const pane = NEXT_WEIGHT[bench.panes[at]];
    return (other) => setPane(bench, other, pane);
  });
  bench.presets = PRESETS.map(([title, make]) => {
    const button = choiceButton(title, () => changeBench(bench, { panes: make() }));
    return { button, make };
  });
  return element(
    "section",
    "panel",
    element("h4", "", "The filter: draw it"),
    bench.glass.frame,
    element("div", "buttons", ...bench.presets.map(({ button }) => button)),
    element(
      "p",
      "hint",
      "Click or drag, or move with the arrow keys and press Space. Clear (+1): light counts for. " +
        "Striped (−1): light counts against. Grey (0): light is ignored.",
    ),
  );
}

function cameraPanel(bench) {
  bench.through = newGrid("What gets through, lamp by lamp", null);
  bench.rows = Array.from({ length: ROWS }, () => element("span", "row-sum"));
  bench.total = element("p", "total");
  bench.count = choiceButton("Count it lamp by lamp", () => startCounting(bench));
  const slider = element("input");
  Object.assign(slider, { type: "range", min: -8, max: 20, step: 1, value: FIRST_THRESHOLD });
  slider.addEventListener("input", () => changeBench(bench, { threshold: slider.valueAsNumber }));
  bench.limit = element("span", "limit");
  bench.camera = element("div", "camera", element("span", "lens"), element("span", "flash"));
  bench.camera.setAttribute("aria-hidden", "true");
  bench.fires = element("p", "fires");
  bench.fires.setAttribute("role", "status");
  const through = element(
    "div",
    "through",
    bench.through.frame,
    element("div", "sums", ...bench.rows),
  );
  return element(
    "section",
    "panel",
    element("h4", "", "The camera adds up"),
    through,
    bench.total,
    element("div", "buttons", bench.count),
    element("label", "threshold", "Fires from ", bench.limit, " on (the threshold)", slider),
    element("div", "shot", bench.camera, bench.fires),
  );
}

function verdictPanel(bench) {
  const body = element("tbody");
  bench.cells = {};
  for (const digit of ["1", "0"]) {
    const cells = [0, 1, 2].map(() => element("td"));
    bench.cells[digit] = cells;
    const head = element("th", "", `A ${digit}`);
    head.scope = "row";
    body.append(element("tr", "", head, ...cells));
  }
  const heads = ["Light", "Sum", "Camera", "If the 1 is what we look for"].map((text) => {
    const head = element("th", "", text);
    head.scope = "col";
    return head;
  });
  const table = element("table", "", element("thead", "", element("tr", "", ...heads)), body);
  bench.verdict = element("p", "verdict");
  return element("section", "outcome", bench.verdict, element("div", "scroll", table));
}

// A grid of toggles; `begin(at)` returns the brush for a drawing that starts at `at`.
function newGrid(label, begin) {
  const frame = element("div", "grid");
  frame.setAttribute("role", "group");
  frame.setAttribute("aria-label", label);
  const cells = Array.from({ length: COLUMNS * ROWS }, (_, at) => {
    const cell = element(begin ? "button" : "span", "cell");
    if (begin) Object.assign(cell, { type: "button", tabIndex: at ? -1 : 0 });
    return cell;
  });
  frame.append(...cells);
  if (begin) addDrawing(frame, cells, begin);
  return { frame, cells };
}

function addDrawing(frame, cells, begin) {
  let brush = null;
  const draw = (at) => at >= 0 && brush?.(at);
  frame.addEventListener("pointerdown", (event) => {
    const at = cells.indexOf(event.target);
    if (at < 0) return;
    event.target.releasePointerCapture?.(event.pointerId); // Sends touch moves to the cells below.
    brush = begin(at);
    draw(at);
  });
  frame.addEventListener("pointermove", (event) => {
    if (!brush || !event.buttons) return;
    draw(cells.indexOf(frame.getRootNode().elementFromPoint(event.clientX, event.clientY)));
  });
  for (const end of ["pointerup", "pointerleave"]) {
    frame.addEventListener(end, () => (brush = null));
  }
  frame.addEventListener("click", (event) => {
    // From a keyboard or a screen reader; pointers draw on pointerdown.
    const at = cells.indexOf(event.target);
    if (event.detail === 0 && at >= 0) begin(at)(at);
  });
  frame.addEventListener("keydown", (event) => {
    const at = cells.indexOf(event.target);
    const place = cellAfterKey(event.key, [at % COLUMNS, Math.floor(at / COLUMNS)], COLUMNS, ROWS);
    if (!place) return;
    event.preventDefault();
    cells[at].tabIndex = -1;
    const next = cells[place[1] * COLUMNS + place[0]];
    next.tabIndex = 0;
    next.focus();
  });
}

function setLamp(bench, at, on) {
  const light = [...bench.light];
  light[at] = on;
  changeBench(bench, { light, digit: null });
}

function setPane(bench, at, pane) {
  const panes = [...bench.panes];
  panes[at] = pane;
  changeBench(bench, { panes });
}

function changeBench(bench, what) {
  clearInterval(bench.counting);
  Object.assign(bench, what, { counted: null });
  update(bench);
}

function startCounting(bench) {
  changeBench(bench, { counted: 0 });
  bench.counting = setInterval(() => {
    bench.counted += 1;
    if (bench.counted >= COLUMNS * ROWS) {
      clearInterval(bench.counting);
      bench.counted = null;
    }
    update(bench);
  }, STEP_MS);
}

function update(bench) {
  bench.lamps.cells.forEach((cell, at) => {
    cell.className = `cell lamp ${bench.light[at] ? "on" : ""}`;
    cell.setAttribute("aria-pressed", Boolean(bench.light[at]));
    cell.setAttribute(
      "aria-label",
      `Lamp ${describePosition(at)}: ${bench.light[at] ? "on" : "off"}`,
    );
  });
  bench.glass.cells.forEach((cell, at) => {
    const { name, sign } = PANE_KINDS[bench.panes[at]];
    cell.className = `cell pane ${name}`;
    cell.textContent = sign;
    cell.setAttribute("aria-label", `Pane ${describePosition(at)}: ${name}, ${sign}`);
  });
  bench.digits.forEach((button, at) =>
    button.setAttribute("aria-pressed", bench.digit === ["1", "0"][at]),
  );
  for (const { button, make } of bench.presets) {
    button.setAttribute("aria-pressed", String(make()) === String(bench.panes));
  }
  updateSum(bench);
  updateVerdict(bench);
}

function updateSum(bench) {
  const upTo = bench.counted ?? COLUMNS * ROWS;
  const rows = Array(ROWS).fill(0);
  bench.through.cells.forEach((cell, at) => {
    const product = bench.light[at] * bench.panes[at];
    const counted = at < upTo;
    if (counted) rows[Math.floor(at / COLUMNS)] += product;
    const now = bench.counted !== null && at === upTo - 1 ? "now" : "";
    cell.className = `cell ray ${counted ? PANE_KINDS[product].name : ""} ${now}`;
    cell.textContent = counted && bench.light[at] ? PANE_KINDS[product].sign : "";
  });
  const sum = rows.reduce((all, row) => all + row, 0);
  bench.rows.forEach((node, row) => {
    const [sign, size] = [rows[row] < 0 ? "−" : "+", Math.abs(rows[row])];
    node.textContent = row ? `${sign} ${size}` : formatSigned(rows[row]);
  });
  bench.total.textContent = `Sum: ${formatSigned(sum)}`;
  bench.limit.textContent = formatSigned(bench.threshold);
  const counting = bench.counted !== null;
  const fires = !counting && sum >= bench.threshold;
  bench.camera.classList.toggle("fired", fires);
  bench.fires.textContent = counting
    ? "It counts …"
    : fires
      ? `${formatSigned(sum)} is at least ${formatSigned(bench.threshold)}: it fires.`
      : `${formatSigned(sum)} is below ${formatSigned(bench.threshold)}: it stays silent.`;
}

function updateVerdict(bench) {
  const fires = {};
  for (const digit of ["1", "0"]) {
    const sum = sumThrough(SHAPES[digit], bench.panes);
    fires[digit] = sum >= bench.threshold;
    const [sumCell, cameraCell, meaning] = bench.cells[digit];
    sumCell.textContent = formatSigned(sum);
    cameraCell.textContent = fires[digit] ? "fires" : "silent";
    meaning.textContent = verdictText(digit, fires[digit]);
    meaning.className = (digit === "1") === fires[digit] ? "right" : "wrong";
  }
  bench.verdict.textContent =
    fires[1] === fires[0]
      ? `With this filter and this threshold the camera ${fires[1] ? "fires for both" : "stays silent for both"}: it cannot tell a 1 from a 0.`
      : `With this filter and this threshold the camera fires for the ${fires[1] ? 1 : 0} alone: it tells them apart.`;
}

function verdictText(digit, fires) {
  if (digit === "1") return fires ? "found: a true positive" : "missed: a false negative";
  return fires ? "false alarm: a false positive" : "rightly ignored: a true negative";
}

function sumThrough(light, panes) {
  return light.reduce((sum, on, at) => sum + on * panes[at], 0);
}

function formatSigned(number) {
  return number < 0 ? `−${-number}` : String(number);
}

function describePosition(at) {
  return `in row ${1 + Math.floor(at / COLUMNS)}, column ${1 + (at % COLUMNS)}`;
}
