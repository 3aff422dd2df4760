// One enlarged patch and its 5x5 neighbourhood. Streamlit calls the default export again on new
// data; the two pictures are built once and then repainted, so that the layout stays stable.

import { element } from "./browser/dom.js";
import { hasModifier } from "./browser/roving_focus.js";

let smooth = false; // one choice for all patches

export default function ({ data, parentElement, setTriggerValue }) {
  const detail = parentElement.detail ?? (parentElement.detail = newDetail(parentElement));
  detail.report = (place) => setTriggerValue("open", place);
  if (detail.place === data.place && detail.data.picture === data.picture) return;
  const another = detail.place !== undefined && detail.place !== data.place;
  detail.place = data.place;

  const picture = new Image();
  picture.src = data.picture;
  picture.decode().then(() => {
    if (detail.place !== data.place) return;
    detail.data = data;
    detail.picture = picture;
    updateNeighbours(detail);
    paint(detail);
    detail.large.dataset.shown = data.place;
    if (data.scrolls && (another || !detail.seen)) scrollIntoSight(detail);
    detail.seen = true;
  });
}

function newDetail(parentElement) {
  const large = element("canvas", "large");
  large.setAttribute("role", "img");
  const around = element("div", "around");
  around.setAttribute("role", "group");
  around.setAttribute("aria-label", "The patch among its neighbours on the slide");
  const zoom = element("button", "text-button");
  zoom.type = "button";
  const caption = element("p", "caption", "On the slide; choose a neighbour to open it.");
  parentElement.append(large, zoom, around, caption);

  const detail = { large, around, zoom, caption, buttons: [], data: {} };
  zoom.addEventListener("click", () => {
    smooth = !smooth;
    paint(detail);
  });
  around.addEventListener("click", (event) => openCell(detail, event.target.closest("button")));
  around.addEventListener("keydown", (event) => onKey(detail, event));
  new ResizeObserver(() => paint(detail)).observe(large);
  return detail;
}

function updateNeighbours(detail) {
  const { data, around } = detail;
  const hadFocus = around.contains(around.getRootNode().activeElement);
  detail.large.setAttribute("aria-label", data.alt);
  around.style.setProperty("--columns", data.columns);
  // Without places the only cell is the patch itself.
  around.hidden = detail.caption.hidden = data.cells.length === 1;
  detail.buttons = data.cells.map((cell) => newCell(cell, data));
  around.replaceChildren(...detail.buttons);
  const centre = Math.floor(data.cells.length / 2);
  setTabStopAt(detail, centre);
  if (hadFocus) detail.buttons[centre].focus();
}

function newCell(cell, data) {
  if (!cell) return element("span", "cell gap");
  const button = element("button", "cell");
  button.type = "button";
  button.setAttribute("aria-label", cell.name);
  button.title = cell.name;
  button.classList.toggle("centre", cell.place === data.place);
  button.classList.toggle("other", cell.label !== data.label);
  button.classList.add(cell.label ? "positive" : "negative");
  const canvas = element("canvas");
  canvas.width = canvas.height = data.patch_px;
  button.append(canvas);
  return button;
}

function paint(detail) {
  const { data, picture, large, zoom } = detail;
  zoom.textContent = smooth ? "Show the pixels as they are" : "Show it smooth";
  if (!picture) return;
  const side = data.patch_px;
  const centre = Math.floor(data.columns / 2) * side;
  // The canvas has the screen's resolution, so that the browser does not resample it.
  const size = Math.round(large.clientWidth * devicePixelRatio);
  if (!size) return;
  large.width = large.height = size;
  const context = large.getContext("2d");
  context.imageSmoothingEnabled = smooth;
  context.imageSmoothingQuality = "high";
  // Cropped first: smoothing must not mix in neighbouring patches.
  context.drawImage(croppedCanvas(picture, centre, centre, side), 0, 0, size, size);
  detail.buttons.forEach((button, i) => {
    if (!data.cells[i]) return;
    const [x, y] = [(i % data.columns) * side, Math.floor(i / data.columns) * side];
    const cell = button.firstChild.getContext("2d");
    cell.clearRect(0, 0, side, side);
    cell.drawImage(picture, x, y, side, side, 0, 0, side, side);
  });
}

function croppedCanvas(picture, x, y, side) {
  const canvas = element("canvas");
  canvas.width = canvas.height = side;
  canvas.getContext("2d").drawImage(picture, x, y, side, side, 0, 0, side, side);
  return canvas;
}

function openCell(detail, button) {
  const cell = detail.data.cells[detail.buttons.indexOf(button)];
  if (cell && cell.place !== detail.place) detail.report(cell.place);
}

// Arrow keys skip gaps.
function onKey(detail, event) {
  if (hasModifier(event)) return;
  const { columns, cells } = detail.data;
  const steps = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
  const step = steps[event.key];
  let at = detail.buttons.indexOf(event.target.closest("button"));
  if (!step || at < 0) return;
  event.preventDefault();
  let [x, y] = [at % columns, Math.floor(at / columns)];
  do {
    [x, y] = [x + step[0], y + step[1]];
    if (x < 0 || y < 0 || x >= columns || y * columns >= cells.length) return;
    at = y * columns + x;
  } while (!cells[at]);
  setTabStopAt(detail, at);
  detail.buttons[at].focus();
}

function setTabStopAt(detail, index) {
  detail.buttons.forEach((button, i) => {
    if (detail.data.cells[i]) button.tabIndex = i === index ? 0 : -1;
  });
}

// On a phone the patch opens below the grid: scroll there unless the patch is visible.
function scrollIntoSight({ large }) {
  const { top, bottom } = large.getBoundingClientRect();
  if (bottom > 0 && top < innerHeight * 0.8) return;
  const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
  large.scrollIntoView({ block: "center", behavior: calm ? "auto" : "smooth" });
}
