// The maps of a layer: all maps, one map, one value, and the value's receptive field.

import { cellAtPointer, positionFrame } from "../components/browser/grid_cells.js";
import { formatCount, formatNumber } from "../components/browser/numbers.js";
import { sideOf } from "../components/browser/patches.js";
import { divergingColour, greyColour, paintPixels } from "../components/browser/pixels.js";
import { showFilter } from "./layer_answer.js";

const ALL_MAPS_WIDTH_PX = 640; // of the picture of all maps
const NUMBERS_PER_ROW = 32;
const NUMBER_WIDTH_PX = 64; // at most, of one number in a row

// Columns and rows as shown: a list of numbers is broken into lines.
export function layerGrid({ shape }) {
  if (shape.length === 3) return { columns: shape[1], rows: shape[0] };
  const columns = Math.min(shape[0], shape[0] > 1024 ? 128 : NUMBERS_PER_ROW);
  return { columns, rows: Math.ceil(shape[0] / columns) };
}

function valueCount({ shape }) {
  return shape.length === 3 ? shape[0] * shape[1] : shape[0];
}

function valueAt(view, layer, map, [x, y]) {
  const at = y * layerGrid(layer).columns + x;
  if (at >= valueCount(layer)) return null;
  const level = view.block[layer.maps.at + map * valueCount(layer) + at] / 255;
  return layer.maps.low[map] + level * (layer.maps.high[map] - layer.maps.low[map]);
}

// All maps of a layer share one scale, so that a map without activation stays dark.
function valueColour(view, value) {
  if (value === null) return [128, 132, 140];
  if (view.lowest < 0) {
    return divergingColour(value / Math.max(-view.lowest, view.highest, 1e-9));
  }
  return greyColour(value / (view.highest || 1));
}

export function drawAllMaps(view) {
  const layer = view.layers[view.layer];
  const { columns, rows } = layerGrid(layer);
  const sent = layer.maps.low.length;
  const { all, allPart, allTitle } = view.maps;
  allPart.hidden = layer.shape.length !== 3 || sent < 2;
  if (allPart.hidden) return;
  const across = Math.ceil(Math.sqrt(sent * 1.6));
  const [width, height] = [columns + 1, rows + 1]; // with a gap
  view.tiling = { across, width, height, down: Math.ceil(sent / across) };
  const total = layer.shape[2];
  allTitle.textContent =
    sent === total ? `All ${total} maps` : `The first ${sent} of ${formatCount(total)} maps`;
  paintPixels(all.canvas, across * width - 1, view.tiling.down * height - 1, (x, y) => {
    const map = Math.floor(y / height) * across + Math.floor(x / width);
    const place = [x % width, y % height];
    if (map >= sent || place[0] === columns || place[1] === rows) return [112, 118, 128];
    return valueColour(view, valueAt(view, layer, map, place));
  });
  all.picture.style.maxWidth = `${Math.min(ALL_MAPS_WIDTH_PX, across * width * 6)}px`;
}

export function chooseAmongAll(view, event) {
  const { across, width, height, down } = view.tiling;
  const [wide, high] = [across * width - 1, down * height - 1];
  const [x, y] = cellAtPointer(event, view.maps.all.picture, wide, high);
  const map = Math.floor(y / height) * across + Math.floor(x / width);
  if (map >= view.layers[view.layer].maps.low.length) return;
  const { columns, rows } = layerGrid(view.layers[view.layer]);
  view.place = [Math.min(columns - 1, x % width), Math.min(rows - 1, y % height)];
  chooseMap(view, map);
}

export function chooseMap(view, number) {
  const layer = view.layers[view.layer];
  const sent = layer.maps.low.length;
  view.map = Math.min(sent - 1, Math.max(0, number));
  const { one, number: input, of, label, hint } = view.maps;
  const { columns, rows } = layerGrid(layer);
  paintPixels(one.canvas, columns, rows, (x, y) =>
    valueColour(view, valueAt(view, layer, view.map, [x, y])),
  );
  one.picture.style.aspectRatio = `${columns} / ${rows}`;
  one.picture.style.maxWidth = layer.shape.length === 3 ? "" : `${NUMBER_WIDTH_PX * columns}px`;
  label.hidden = layer.shape.length !== 3;
  input.max = sent;
  if (input.getRootNode().activeElement !== input) input.value = view.map + 1;
  of.textContent = ` of ${sent}`;
  hint.textContent =
    (view.lowest < 0
      ? "Green is positive, brown negative, white 0. "
      : `Black is 0, white ${formatNumber(view.highest)}, the layer's largest. `) +
    "Click a value, or move with the arrow keys" +
    (sent > 1 ? "; Page Up and Page Down change the map." : ".");
  frameChosenMap(view);
  showFilter(view);
  chooseValue(view, view.place);
}

function frameChosenMap(view) {
  if (view.maps.allPart.hidden) return;
  const { across, width, height, down } = view.tiling;
  const [wide, high] = [across * width - 1, down * height - 1];
  const left = (view.map % across) * width;
  const top = Math.floor(view.map / across) * height;
  const share = (value, of) => `${(100 * value) / of}%`;
  Object.assign(view.maps.all.frame.style, {
    left: share(left, wide),
    top: share(top, high),
    width: share(width - 1, wide),
    height: share(height - 1, high),
  });
}

export function chooseValue(view, place) {
  const layer = view.layers[view.layer];
  const { columns, rows } = layerGrid(layer);
  if (valueAt(view, layer, view.map, place) === null) return;
  view.place = place;
  if (layer.shape.length === 3) view.spot = [(place[0] + 0.5) / columns, (place[1] + 0.5) / rows];
  Object.assign(view.maps.one.frame.style, {
    left: `${(100 * place[0]) / columns}%`,
    top: `${(100 * place[1]) / rows}%`,
    width: `${100 / columns}%`,
    height: `${100 / rows}%`,
  });
  const value = formatNumber(valueAt(view, layer, view.map, place));
  const [x, y] = receptiveField(view, layer, place);
  const [width, height] = [x[1] - x[0] + 1, y[1] - y[0] + 1];
  const side = sideOf(view.rgb);
  positionFrame(view.patch.box, [x[0], y[0], width, height], side);
  paintPixels(view.patch.piece, width, height, (dx, dy) => patchPixel(view, x[0] + dx, y[0] + dy));
  view.patch.large.style.aspectRatio = `${width} / ${height}`;
  const everything = width * height === side * side;
  view.patch.words.textContent = everything
    ? `The whole patch: ${side} × ${side} px.`
    : `${width} × ${height} px of the patch, columns ${x[0] + 1} to ${x[1] + 1}, ` +
      `rows ${y[0] + 1} to ${y[1] + 1} (its receptive field). Enlarged below.`;
  view.patch.large.hidden = everything;
  const where =
    layer.shape.length === 3
      ? `Map ${view.map + 1}, column ${place[0] + 1}, row ${place[1] + 1}`
      : layer.sums
        ? `Probability of ${view.classes[place[0]]}`
        : `Number ${formatCount(place[1] * columns + place[0] + 1)} of ${formatCount(layer.shape[0])}`;
  view.said.textContent = `${where}: ${value}. Receptive field: ${width} × ${height} px.`;
  view.maps.one.picture.setAttribute("aria-label", view.said.textContent);
}

// [first, last] pixel in x and in y. A flattened number keeps the position it came from.
function receptiveField(view, layer, [x, y]) {
  if (layer.shape.length === 3) return [layer.spans[x], layer.spans[y]];
  if (layer.kind !== "Flatten") return [layer.spans[0], layer.spans[0]];
  const below = view.layers[layer.inputs[0]].shape;
  const at = Math.floor((y * layerGrid(layer).columns + x) / below[2]);
  return [layer.spans[at % below[1]], layer.spans[Math.floor(at / below[1])]];
}

export function patchPixel({ rgb }, x, y) {
  const at = 3 * (y * sideOf(rgb) + x);
  return rgb.subarray(at, at + 3);
}
