// A patch with an explanation map laid over it. The choice of the map, its opacity and the value
// under the pointer are handled in the browser.

import { element } from "./browser/dom.js";

// Amber and cyan differ from pink and violet tissue and from each other with any colour vision.
// Plus and minus signs carry the same information without colour.
const FOR_COLOUR = [255, 196, 0];
const AGAINST_COLOUR = [0, 172, 214];
const OVERLAY_SIDE = 150; // px of the painted map
const SIGNS_PER_SIDE = 9; // of the lattice of plus and minus signs
const MIN_SIGN_VALUE = 0.3; // of the range

export default function ({ data, parentElement }) {
  const shown = parentElement.shown ?? (parentElement.shown = newExplanation(parentElement));
  if (shown.data && shown.data.picture === data.picture && sameMaps(shown.data, data)) return;
  shown.data = data;
  const picture = new Image();
  picture.src = data.picture;
  picture.decode().then(() => {
    if (shown.data !== data) return;
    shown.picture = picture;
    buildChoices(shown);
    update(shown);
    shown.canvas.dataset.shown = data.picture.length;
  });
}

function sameMaps(one, other) {
  return JSON.stringify(one.maps) === JSON.stringify(other.maps);
}

function newExplanation(parentElement) {
  const canvas = element("canvas", "patch");
  canvas.setAttribute("role", "img");
  const choices = element("div", "choices");
  choices.setAttribute("role", "radiogroup");
  choices.setAttribute("aria-label", "What is laid over the patch");
  const slider = element("input", "slider");
  Object.assign(slider, { type: "range", min: 0, max: 1, step: 0.01, value: 0.65 });
  const opacity = element("label", "opacity", element("span", "", "Opacity"), slider);
  const parts = ["found", "about", "under"].map((name) => element("p", name));
  const [found, about, under] = parts;
  const legend = element("div", "legend");
  const words = element("div", "words", choices, found, legend, opacity, under, about);
  parentElement.append(element("div", "explanation", canvas, words));

  const shown = { canvas, choices, slider, opacity, found, about, under, legend, chosen: 0 };
  slider.addEventListener("input", () => paintPatch(shown));
  choices.addEventListener("change", (event) => {
    shown.chosen = Number(event.target.value);
    update(shown);
  });
  canvas.addEventListener("pointermove", (event) => updateReadout(shown, event));
  canvas.addEventListener("pointerleave", () => updateReadout(shown, null));
  new ResizeObserver(() => paintPatch(shown)).observe(canvas);
  return shown;
}

function buildChoices(shown) {
  const titles = [...shown.data.maps.map((map) => map.title), "Patch alone"];
  const name = `overlay-${Math.random().toString(36).slice(2)}`;
  shown.choices.replaceChildren(
    ...titles.map((title, number) => {
      const input = element("input");
      Object.assign(input, { type: "radio", name, value: number });
      input.checked = number === shown.chosen;
      return element("label", "", input, element("span", "", title));
    }),
  );
}

function update(shown) {
  const map = shown.data.maps[shown.chosen];
  for (const part of ["legend", "opacity", "found", "about", "under"]) shown[part].hidden = !map;
  const alone = "The patch, enlarged";
  shown.canvas.setAttribute(
    "aria-label",
    map ? `${alone}, with ${map.title}. ${map.found}` : alone,
  );
  if (map) {
    shown.found.textContent = map.found;
    shown.about.textContent = map.about;
    buildLegend(shown.legend, map);
    updateReadout(shown, null);
  }
  paintPatch(shown);
}

function buildLegend(legend, map) {
  const bar = element("canvas", "scale");
  [bar.width, bar.height] = [300, 1];
  const context = bar.getContext("2d");
  const image = context.createImageData(300, 1);
  for (let x = 0; x < 300; x += 1) image.data.set(colourOf((2 * x) / 299 - 1, 1), 4 * x);
  context.putImageData(image, 0, 0);
  const least = formatSigned(-map.range);
  const ticks = element(
    "div",
    "ticks",
    ...[least, "0", formatSigned(map.range)].map((n) => newTick(n)),
  );
  const meaning = element(
    "ul",
    "meaning",
    newLegendKey("against", "−", map.against),
    newLegendKey("for", "+", map.for),
  );
  legend.replaceChildren(bar, ticks, element("p", "unit", map.unit), meaning);
}

function newTick(text) {
  return element("span", "", text);
}

function newLegendKey(side, sign, text) {
  const swatch = element("span", "swatch", sign);
  const [r, g, b] = side === "for" ? FOR_COLOUR : AGAINST_COLOUR;
  swatch.style.background = `rgb(${r} ${g} ${b})`;
  return element("li", "", swatch, element("span", "", text));
}

function paintPatch(shown) {
  const { canvas, picture, data } = shown;
  // The canvas has the screen's resolution, so that the browser does not resample it.
  const size = Math.round(canvas.clientWidth * devicePixelRatio);
  if (!picture || !size) return;
  canvas.width = canvas.height = size;
  const context = canvas.getContext("2d");
  context.imageSmoothingEnabled = false;
  context.drawImage(picture, 0, 0, size, size);
  const map = data.maps[shown.chosen];
  if (!map) return;
  const opacity = Number(shown.slider.value);
  context.imageSmoothingEnabled = true;
  context.drawImage(overlayCanvas(map, opacity), 0, 0, size, size);
  if (opacity > 0) drawSigns(context, map, size);
}

function overlayCanvas(map, opacity) {
  const canvas = element("canvas");
  canvas.width = canvas.height = OVERLAY_SIDE;
  const context = canvas.getContext("2d");
  const image = context.createImageData(OVERLAY_SIDE, OVERLAY_SIDE);
  for (let y = 0; y < OVERLAY_SIDE; y += 1) {
    for (let x = 0; x < OVERLAY_SIDE; x += 1) {
      const value = valueAt(map, (x + 0.5) / OVERLAY_SIDE, (y + 0.5) / OVERLAY_SIDE) / map.range;
      image.data.set(colourOf(value, opacity), 4 * (y * OVERLAY_SIDE + x));
    }
  }
  context.putImageData(image, 0, 0);
  return canvas;
}

// Opacity grows with the value, so that tissue stays visible where the value is small.
function colourOf(value, opacity) {
  const strength = Math.min(Math.abs(value), 1);
  return [...(value > 0 ? FOR_COLOUR : AGAINST_COLOUR), Math.round(255 * opacity * strength)];
}

// Bilinear between the cell centres of the map. u and v run from 0 to 1 over the patch.
function valueAt({ values, width, height }, u, v) {
  const x = Math.min(Math.max(u * width - 0.5, 0), width - 1);
  const y = Math.min(Math.max(v * height - 0.5, 0), height - 1);
  const [left, top] = [Math.floor(x), Math.floor(y)];
  const [right, bottom] = [Math.min(left + 1, width - 1), Math.min(top + 1, height - 1)];
  const at = (column, row) => values[row * width + column];
  const across = (row) => at(left, row) + (x - left) * (at(right, row) - at(left, row));
  return across(top) + (y - top) * (across(bottom) - across(top));
}

function drawSigns(context, map, size) {
  const arm = size / SIGNS_PER_SIDE / 6;
  for (let row = 0; row < SIGNS_PER_SIDE; row += 1) {
    for (let column = 0; column < SIGNS_PER_SIDE; column += 1) {
      const [u, v] = [(column + 0.5) / SIGNS_PER_SIDE, (row + 0.5) / SIGNS_PER_SIDE];
      const value = valueAt(map, u, v) / map.range;
      if (Math.abs(value) < MIN_SIGN_VALUE) continue;
      const path = new Path2D();
      path.moveTo(u * size - arm, v * size);
      path.lineTo(u * size + arm, v * size);
      if (value > 0) {
        path.moveTo(u * size, v * size - arm);
        path.lineTo(u * size, v * size + arm);
      }
      for (const [colour, width] of [
        ["#000", 0.9],
        ["#fff", 0.4],
      ]) {
        context.strokeStyle = colour;
        context.lineWidth = width * arm;
        context.stroke(path);
      }
    }
  }
}

function updateReadout(shown, event) {
  const map = shown.data?.maps[shown.chosen];
  if (!map) return;
  if (!event) {
    shown.under.textContent = "Point at a place to read its value.";
    return;
  }
  const box = shown.canvas.getBoundingClientRect();
  const [u, v] = [(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height];
  const [x, y] = [u, v].map((part) => Math.round(part * shown.data.side));
  const value = valueAt(map, u, v);
  shown.under.textContent = `At ${x}, ${y} ${shown.data.unit}: ${formatSigned(value)} ${map.unit}`;
}

function formatSigned(value) {
  const digits = Math.abs(value) < 0.1 ? 3 : 2;
  const text = Math.abs(value).toFixed(digits);
  if (Number(text) === 0) return "0";
  return (value < 0 ? "−" : "+") + text;
}
