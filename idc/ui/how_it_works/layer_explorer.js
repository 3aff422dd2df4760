// Every layer of a network on one patch: choose a layer, a map in it, a value in the map, and see
// its receptive field. Runs in the browser alone.

import { decodeBytes } from "../components/browser/base64.js";
import { element } from "../components/browser/dom.js";
import { cellAfterKey, cellAtPointer } from "../components/browser/grid_cells.js";
import {
  LAYER_DESCRIPTIONS,
  formatShape,
  layerTitle,
} from "../components/browser/layer_descriptions.js";
import { formatCount } from "../components/browser/numbers.js";
import { sideOf } from "../components/browser/patches.js";
import { paintPixels } from "../components/browser/pixels.js";
import { newFilter, showAnswer } from "./layer_answer.js";
import {
  chooseAmongAll,
  chooseMap,
  chooseValue,
  drawAllMaps,
  layerGrid,
  patchPixel,
} from "./layer_maps.js";

export default function ({ data, parentElement }) {
  const view = (parentElement.view ??= newView(parentElement));
  const text = `${data.patch}${data.content}`;
  if (view.loaded !== text) {
    view.loaded = text;
    load(view, data);
  }
}

function newView(parentElement) {
  const view = { layer: 0, map: 0, place: [0, 0], spot: [0, 0] };
  view.strip = element("div", "strip");
  view.strip.setAttribute("role", "group");
  view.strip.setAttribute("aria-label", "Layers, from the patch to the answer");
  view.strip.addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    chooseLayer(view, Math.min(view.layers.length - 1, Math.max(0, view.layer + step)));
    view.buttons[view.layer].focus();
  });
  view.title = element("h4", "title");
  view.about = element("p");
  view.facts = element("p", "hint");
  view.maps = newMaps(view);
  view.patch = newPatch(view);
  view.filter = newFilter(view);
  view.answer = element("section", "answer");
  view.said = element("p", "said");
  view.said.setAttribute("role", "status");
  const { allPart, onePart } = view.maps;
  const stage = element("div", "stage", allPart, onePart, view.patch.frame);
  parentElement.append(
    view.strip,
    view.title,
    view.about,
    view.facts,
    view.said,
    stage,
    view.answer,
    view.filter.frame,
  );
  return view;
}

function newMaps(view) {
  const all = { canvas: element("canvas"), frame: element("div", "frame") };
  all.picture = element("div", "picture all", all.canvas, all.frame);
  const pick = (event) => chooseAmongAll(view, event);
  all.picture.addEventListener("pointerdown", pick);
  const one = { canvas: element("canvas"), frame: element("div", "frame") };
  one.picture = element("div", "picture one", one.canvas, one.frame);
  one.picture.tabIndex = 0;
  one.picture.setAttribute("role", "application");
  one.picture.setAttribute("aria-roledescription", "map of values");
  const follow = (event) => {
    const { columns, rows } = layerGrid(view.layers[view.layer]);
    chooseValue(view, cellAtPointer(event, one.picture, columns, rows));
  };
  one.picture.addEventListener("pointerdown", follow);
  one.picture.addEventListener("pointermove", (event) => event.buttons && follow(event));
  one.picture.addEventListener("keydown", (event) => {
    const { columns, rows } = layerGrid(view.layers[view.layer]);
    const place = cellAfterKey(event.key, view.place, columns, rows);
    const step = { PageUp: -1, PageDown: 1 }[event.key];
    if (!place && !step) return;
    event.preventDefault();
    if (place) chooseValue(view, place);
    else chooseMap(view, view.map + step);
  });
  const number = element("input");
  Object.assign(number, { type: "number", min: 1 });
  number.addEventListener("input", () => {
    if (Number.isInteger(number.valueAsNumber)) chooseMap(view, number.valueAsNumber - 1);
  });
  const of = element("span");
  const label = element("label", "which", "Map ", number, of);
  const allTitle = element("h4");
  const allPart = element("section", "part", allTitle, all.picture);
  const hint = element("p", "hint");
  const onePart = element("section", "part", label, one.picture, hint);
  return { all, one, number, of, label, allTitle, allPart, onePart, hint };
}

function newPatch() {
  const canvas = element("canvas");
  const frame = element("div", "frame");
  const piece = element("canvas");
  const words = element("p", "hint");
  const picture = element("div", "picture", canvas, frame);
  const large = element("div", "picture piece", piece);
  return {
    canvas,
    box: frame,
    piece,
    large,
    words,
    frame: element(
      "section",
      "patch",
      element("h4", "", "Receptive field of this value"),
      picture,
      words,
      large,
    ),
  };
}

function load(view, data) {
  view.rgb = decodeBytes(data.patch);
  view.block = decodeBytes(data.block);
  view.layers = data.layers;
  view.classes = data.classes;
  view.note = data.note;
  view.layer = Math.min(view.layer, view.layers.length - 1);
  if (view.content !== data.network) {
    view.content = data.network;
    view.layer = Math.max(
      0,
      view.layers.findIndex(({ filters }) => filters),
    );
    view.spot = [0.41, 0.41]; // relative to the side
  }
  const side = sideOf(view.rgb);
  paintPixels(view.patch.canvas, side, side, (x, y) => patchPixel(view, x, y));
  showStrip(view);
  chooseLayer(view, view.layer);
}

function showStrip(view) {
  view.buttons = view.layers.map((layer, number) => {
    const block = element("span", "block");
    const [height, , maps] = layer.shape.length === 3 ? layer.shape : [layer.shape[0], 1, 1];
    const isMap = layer.shape.length === 3;
    block.style.height = isMap ? `${8 + height}px` : `${Math.min(58, 8 + height / 4)}px`;
    block.style.width = isMap ? `${Math.max(5, Math.sqrt(maps) * 4)}px` : "6px";
    const button = element(
      "button",
      `layer ${layer.kind}`,
      element("span", "room", block),
      element("span", "name", layerTitle(layer)),
      element("span", "shape", formatShape(layer.shape)),
    );
    button.type = "button";
    button.addEventListener("click", () => chooseLayer(view, number));
    return button;
  });
  const focused = [...view.strip.children].indexOf(view.strip.getRootNode().activeElement);
  view.strip.replaceChildren(...view.buttons);
  view.strip.children[focused]?.focus();
}

function chooseLayer(view, number) {
  view.layer = number;
  const layer = view.layers[number];
  view.buttons.forEach((button, at) => {
    button.setAttribute("aria-pressed", at === number);
    button.tabIndex = at === number ? 0 : -1;
  });
  scrollStripTo(view.strip, view.buttons[number]);
  const [, about] = LAYER_DESCRIPTIONS[layer.kind] ?? [layer.kind, ""];
  view.title.textContent = `Layer ${number + 1} of ${view.layers.length}: ${layerTitle(layer)}`;
  view.about.textContent = about + describeActivation(layer);
  const from = layer.inputs.length
    ? layer.inputs.map((input) => formatShape(view.layers[input].shape)).join(" and ")
    : `${sideOf(view.rgb)} × ${sideOf(view.rgb)} × 3`;
  view.facts.textContent =
    `${from} → ${formatShape(layer.shape)}. ` +
    (layer.parameters
      ? `${formatCount(layer.parameters)} parameters.`
      : "No parameters: nothing to learn.");
  if (layer.shape.length === 3) {
    // The position nearest to the same spot of the patch.
    const { columns, rows } = layerGrid(layer);
    view.place = [Math.floor(view.spot[0] * columns), Math.floor(view.spot[1] * rows)];
  } else {
    view.place = [0, 0];
  }
  view.lowest = Math.min(...layer.maps.low, 0);
  view.highest = Math.max(...layer.maps.high, 0);
  drawAllMaps(view);
  showAnswer(view);
  chooseMap(view, view.map);
}

function describeActivation({ kind, activation }) {
  return activation === "relu" && kind !== "Activation"
    ? " A ReLU follows at once: what is negative becomes 0."
    : activation === "softmax"
      ? " A softmax then turns the two sums into probabilities."
      : "";
}

// Scrolls the strip only; `scrollIntoView` would scroll the page too.
function scrollStripTo(strip, button) {
  const left = button.offsetLeft - strip.offsetLeft;
  if (left < strip.scrollLeft || left + button.offsetWidth > strip.scrollLeft + strip.clientWidth) {
    strip.scrollLeft = left - strip.clientWidth / 3;
  }
}
