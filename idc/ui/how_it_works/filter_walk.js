// A filter that slides over a patch, by hand or played: the products below it, their sum, and the
// map that fills in. Runs in the browser alone.

import { decodeBytes } from "../components/browser/base64.js";
import { choiceButton, element } from "../components/browser/dom.js";
import { cellAfterKey, cellAtPointer, positionFrame } from "../components/browser/grid_cells.js";
import { formatNumber } from "../components/browser/numbers.js";
import { sideOf } from "../components/browser/patches.js";
import { divergingColour, greyColour, paintPixels } from "../components/browser/pixels.js";
import { brightnessChannel, convolve, productsAt, scaledChannels } from "./convolution.js";

const PLAY_MS = 60;
const LEARNED = "learned";
const PRESET_SIDE = 3;

export default function ({ data, parentElement }) {
  const walk = (parentElement.walk ??= newWalk(parentElement));
  load(walk, data);
  return () => stop(walk);
}

function newWalk(parentElement) {
  const walk = { at: [25, 25], playing: 0, weights: null, preset: "", learned: 0, seen: null };
  walk.patchCanvas = element("canvas");
  walk.window = element("div", "frame");
  walk.patch = newStage(walk, "picture patch", walk.patchCanvas, walk.window);
  walk.mapCanvas = element("canvas");
  walk.spot = element("div", "frame");
  walk.map = newStage(walk, "picture map", walk.mapCanvas, walk.spot);
  walk.caption = element("p", "hint");
  walk.mapCaption = element("p", "hint");
  walk.patchTitle = element("h4");
  walk.mapTitle = element("h4");
  walk.products = element("div", "products");
  walk.sum = element("p", "sum");
  walk.sum.setAttribute("role", "status");
  walk.play = choiceButton("Play", () => (walk.playing ? stop(walk) : play(walk)));
  const whole = choiceButton("Fill in the whole map", () => {
    stop(walk);
    walk.seen.fill(1);
    drawMap(walk);
  });
  const empty = choiceButton("Empty the map", () => {
    stop(walk);
    walk.seen.fill(0);
    update(walk);
  });
  walk.presets = element("div", "buttons");
  walk.presets.setAttribute("role", "group");
  walk.presets.setAttribute("aria-label", "Filters");
  walk.about = element("p", "about");
  walk.editor = element("div", "editor");
  const middle = element(
    "section",
    "",
    element("h4", "", "Below the filter"),
    walk.products,
    walk.sum,
  );
  parentElement.append(
    element(
      "div",
      "choosing",
      element("div", "", element("h4", "", "The filter"), walk.presets, walk.about),
      walk.editor,
    ),
    element("div", "buttons", walk.play, whole, empty),
    element(
      "div",
      "stage",
      element("section", "", walk.patchTitle, walk.patch, walk.caption),
      middle,
      element("section", "", walk.mapTitle, walk.map, walk.mapCaption),
    ),
  );
  return walk;
}

// A picture over which mouse, touch and arrow keys move the filter.
function newStage(walk, className, ...children) {
  const picture = element("div", className, ...children);
  picture.tabIndex = 0;
  picture.setAttribute("role", "application");
  picture.setAttribute("aria-roledescription", "picture to move the filter over");
  const follow = (event) => {
    const side = walk.filter.side;
    stop(walk);
    moveTo(walk, cellAtPointer(event, picture, side, side));
  };
  picture.addEventListener("pointerdown", follow);
  picture.addEventListener("pointermove", (event) => {
    if (event.pointerType === "mouse" || event.buttons) follow(event);
  });
  picture.addEventListener("keydown", (event) => {
    const place = cellAfterKey(event.key, walk.at, walk.filter.side, walk.filter.side);
    if (!place) return;
    event.preventDefault();
    stop(walk);
    moveTo(walk, place);
  });
  return picture;
}

function load(walk, data) {
  const text = JSON.stringify([data.patch, data.learned?.title ?? "", data.learned?.filters ?? []]);
  if (walk.loaded === text) return;
  walk.loaded = text;
  walk.data = data;
  walk.rgb = decodeBytes(data.patch);
  walk.grey = brightnessChannel(walk.rgb);
  const side = sideOf(walk.rgb);
  walk.patchTitle.textContent = `The patch: ${side} × ${side}`;
  paintPixels(walk.patchCanvas, side, side, (x, y) => {
    const at = 3 * (y * side + x);
    return walk.rgb.subarray(at, at + 3);
  });
  showPresets(walk);
  const known = data.presets.some(({ name }) => name === walk.preset);
  const kept = known || (walk.preset === LEARNED && data.learned);
  choose(walk, kept ? walk.preset : data.presets[0].name);
}

function showPresets(walk) {
  const { presets, learned } = walk.data;
  const all = presets.map(({ name, title }) => [name, title]);
  if (learned) all.push([LEARNED, "Learned by the run"]);
  walk.buttons = all.map(([name, title]) => {
    const button = choiceButton(title, () => choose(walk, name));
    button.dataset.name = name;
    return button;
  });
  walk.presets.replaceChildren(...walk.buttons);
}

function choose(walk, name) {
  stop(walk);
  walk.preset = name;
  if (name === LEARNED) return useLearned(walk);
  const { weights, about } = walk.data.presets.find((preset) => preset.name === name);
  walk.about.textContent = about;
  walk.editor.replaceChildren(newEditor(walk, weights));
  return usePreset(walk, weights);
}

function useLearned(walk) {
  const { title, filters, size, stride, before, side, scale, shift } = walk.data.learned;
  walk.learned = Math.min(walk.learned, filters.length - 1);
  walk.channels = scaledChannels(walk.rgb, scale, shift);
  walk.about.textContent =
    `A filter that the first layer of ${title} has learned: ${size} × ${size} weights for red, as ` +
    `many for green and for blue. Training found these numbers. ` +
    (stride > 1 ? `It moves ${stride} pixels at a time, so its map is ${side} × ${side}. ` : "") +
    "It is fed colours that are scaled to small numbers.";
  walk.editor.replaceChildren(newChooser(walk, filters.length));
  setFilter(walk, { size, stride, before, side, weights: filters[walk.learned] });
}

function usePreset(walk, weights) {
  walk.channels = walk.grey;
  setFilter(walk, {
    size: PRESET_SIDE,
    stride: 1,
    before: 1,
    side: sideOf(walk.rgb),
    weights: [weights],
  });
}

function setFilter(walk, filter) {
  walk.filter = filter;
  walk.values = convolve(walk.channels, filter);
  walk.largest = walk.values.reduce((most, value) => Math.max(most, Math.abs(value)), 1e-9);
  walk.hasNegative = walk.values.some((value) => value < -1e-6);
  walk.seen = new Uint8Array(filter.side ** 2);
  walk.at = walk.at.map((place) => Math.min(place, filter.side - 1));
  const { side } = filter;
  walk.mapTitle.textContent = `The map: ${side} × ${side}`;
  walk.mapCaption.textContent = walk.hasNegative
    ? "Green: the sum is positive. Brown: negative. White: zero."
    : "Black is 0, white the largest sum.";
  for (const button of walk.buttons) {
    button.setAttribute("aria-pressed", button.dataset.name === walk.preset);
  }
  update(walk);
}

function newEditor(walk, weights) {
  const inputs = weights.map((weight, at) => {
    const input = element("input");
    Object.assign(input, { type: "number", step: "any", value: Number(weight.toFixed(3)) });
    input.setAttribute(
      "aria-label",
      `Weight in row ${1 + Math.floor(at / 3)}, column ${1 + (at % 3)}`,
    );
    return input;
  });
  inputs.forEach((input, at) =>
    input.addEventListener("input", () => {
      if (!Number.isFinite(input.valueAsNumber) || Math.abs(input.valueAsNumber) > 1e6) return;
      weights = weights.map((weight, other) => (other === at ? input.valueAsNumber : weight));
      stop(walk);
      walk.preset = "";
      walk.about.textContent = "A filter of your own.";
      usePreset(walk, weights);
    }),
  );
  const grid = element("div", "weights", ...inputs);
  grid.setAttribute("role", "group");
  grid.setAttribute("aria-label", "Weights of the filter");
  return element("div", "own", grid, element("p", "hint", "Type other weights to make your own."));
}

function newChooser(walk, count) {
  const input = element("input");
  Object.assign(input, { type: "number", min: 1, max: count, value: walk.learned + 1 });
  input.addEventListener("input", () => {
    const number = input.valueAsNumber;
    if (!Number.isInteger(number) || number < 1 || number > count) return;
    walk.learned = number - 1;
    stop(walk);
    setFilter(walk, { ...walk.filter, weights: walk.data.learned.filters[walk.learned] });
  });
  return element("label", "", "Filter ", input, ` of ${count}`);
}

function play(walk) {
  const { side } = walk.filter;
  const last = side ** 2 - 1;
  let at = walk.at[1] * side + walk.at[0];
  if (at >= last) at = -1;
  walk.play.textContent = "Pause";
  walk.playing = setInterval(() => {
    at += 1;
    moveTo(walk, [at % side, Math.floor(at / side)]);
    if (at >= last) stop(walk);
  }, PLAY_MS);
}

function stop(walk) {
  clearInterval(walk.playing);
  walk.playing = 0;
  walk.play.textContent = "Play";
}

function moveTo(walk, place) {
  if (String(place) === String(walk.at) && walk.seen[place[1] * walk.filter.side + place[0]])
    return;
  walk.at = place;
  update(walk);
}

function update(walk) {
  const { filter, at } = walk;
  const { size, stride, before, side } = filter;
  walk.seen[at[1] * side + at[0]] = 1;
  const corner = at.map((place) => place * stride - before);
  const first = corner.map((place) => Math.max(0, place));
  const patchSide = sideOf(walk.rgb);
  const end = corner.map((place) => Math.min(patchSide, place + size));
  positionFrame(walk.window, [...first, end[0] - first[0], end[1] - first[1]], patchSide);
  positionFrame(walk.spot, [...at, 1, 1], side);
  drawMap(walk);
  showProducts(walk);
}

function drawMap({ mapCanvas, filter, values, seen, largest, hasNegative }) {
  paintPixels(mapCanvas, filter.side, filter.side, (x, y) => {
    const at = y * filter.side + x;
    if (!seen[at]) return (x + y) % 2 ? [120, 124, 132] : [136, 140, 148];
    return hasNegative ? divergingColour(values[at] / largest) : greyColour(values[at] / largest);
  });
}

function showProducts(walk) {
  const channels = productsAt(walk.channels, walk.filter, walk.at);
  const names = channels.length === 3 ? ["Red", "Green", "Blue"] : ["Brightness"];
  walk.products.replaceChildren(
    ...channels.map((products, channel) =>
      productTable(names[channel], products, walk.filter.size),
    ),
  );
  const sums = channels.map((products) => products.reduce((sum, one) => sum + one.product, 0));
  const sum = sums.reduce((all, one) => all + one, 0);
  const parts = channels.length === 1 ? channels[0].map(({ product }) => product) : sums;
  const names_ = channels.length === 1 ? "" : "red, green, blue: ";
  walk.sum.textContent = `${names_}${parts.map(formatTerm).join(" ")} = ${formatNumber(sum)}`;
  const [column, row] = walk.at;
  const outside = channels[0].filter((one) => one.outside).length;
  walk.caption.textContent =
    `Column ${column + 1}, row ${row + 1} of the map.` +
    (outside ? ` ${outside} places lie outside the patch and count 0 (padding).` : "");
  const words = `Column ${column + 1}, row ${row + 1}: the sum is ${formatNumber(sum)}`;
  walk.patch.setAttribute("aria-label", `Patch. ${words}`);
  walk.map.setAttribute("aria-label", `Map. ${words}`);
}

function productTable(name, products, size) {
  const cells = products.map(({ value, weight, product, outside }) => {
    const cell = element(
      "div",
      `product ${outside ? "outside" : ""}`,
      element("span", "factors", `${formatNumber(value)} × ${formatNumber(weight, 2)}`),
      element(
        "strong",
        "",
        size > PRESET_SIDE ? formatTwoDecimals(product) : formatNumber(product),
      ),
    );
    cell.title = `${formatNumber(value)} × ${formatNumber(weight, 2)} = ${formatNumber(product)}`;
    const share = Math.abs(product) / (Math.max(...products.map((p) => Math.abs(p.product))) || 1);
    cell.style.setProperty("--share", `${Math.round(55 * share)}%`);
    cell.style.setProperty("--hue", product < 0 ? "#8c510a" : "#01665e");
    return cell;
  });
  const grid = element("div", size > PRESET_SIDE ? "table fine" : "table", ...cells);
  grid.style.setProperty("--size", size);
  return element(
    "div",
    "",
    element("p", "hint", size > PRESET_SIDE ? `${name}: products` : `${name}: value × weight`),
    grid,
  );
}

function formatTwoDecimals(value) {
  const text = Math.abs(value).toFixed(2);
  return value < 0 && text !== "0.00" ? `−${text}` : text;
}

function formatTerm(value, at) {
  const text = formatNumber(Math.abs(value));
  if (at === 0) return value < 0 ? `−${text}` : text;
  return `${value < 0 ? "−" : "+"} ${text}`;
}
