// How training changed the first filters: a slider over epochs, all filters as small colour
// pictures, and one of them before training, now, and their difference. Runs in the browser alone.

import { decodeBytes } from "../components/browser/base64.js";
import { choiceButton, element } from "../components/browser/dom.js";
import { formatShare } from "../components/browser/numbers.js";
import { divergingColour, paintPixels } from "../components/browser/pixels.js";
import { convolve, scaledChannels } from "./convolution.js";

const PLAY_MS = 500;

export default function ({ data, parentElement }) {
  const view = (parentElement.view ??= newView(parentElement));
  if (view.content !== data.content) load(view, data);
  return () => stop(view);
}

function newView(parentElement) {
  const view = { at: 0, chosen: 0, playing: 0 };
  view.slider = element("input");
  Object.assign(view.slider, { type: "range", min: 0, step: 1 });
  view.slider.setAttribute("aria-label", "Epoch");
  view.slider.addEventListener("input", () => {
    stop(view);
    showEpoch(view, view.slider.valueAsNumber);
  });
  view.play = choiceButton("Play", () => (view.playing ? stop(view) : play(view)));
  view.when = element("output", "when");
  view.tiles = element("div", "tiles");
  view.tiles.setAttribute("role", "group");
  view.tiles.setAttribute("aria-label", "First filters");
  view.tiles.addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    const next = view.buttons[view.chosen + (step ?? 0)];
    if (!step || !next) return;
    event.preventDefault();
    chooseFilter(view, view.chosen + step);
    next.button.focus();
  });
  view.title = element("h4");
  view.large = ["", "", "What training added"].map((title) => {
    const canvas = element("canvas");
    const caption = element("figcaption", "", title);
    return { canvas, caption, figure: element("figure", "", canvas, caption) };
  });
  view.found = ["", ""].map((title) => {
    const canvas = element("canvas");
    const caption = element("figcaption", "", title);
    return { canvas, caption, figure: element("figure", "wide", canvas, caption) };
  });
  view.said = element("p", "hint");
  view.largeRow = element("div", "large", ...view.large.map(({ figure }) => figure));
  view.foundRow = element("div", "large", ...view.found.map(({ figure }) => figure));
  parentElement.append(
    element("div", "bar", view.play, view.slider, view.when),
    view.tiles,
    view.title,
    view.largeRow,
    view.said,
    view.foundRow,
  );
  return view;
}

function load(view, data) {
  stop(view);
  view.content = data.content;
  view.data = data;
  const [rows, columns, channels, count] = data.shape;
  view.size = rows * columns * channels;
  const levels = decodeBytes(data.kernels);
  view.kernels = Float32Array.from(levels, (level) => ((level - 128) / 127) * data.largest);
  view.channels = data.patch && scaledChannels(decodeBytes(data.patch), data.scale, data.shift);
  view.foundRow.hidden = !view.channels;
  view.buttons = Array.from({ length: count }, (_, number) => {
    const canvas = element("canvas");
    const share = element("span", "moved");
    const button = element("button", "tile", canvas, share);
    button.type = "button";
    button.addEventListener("click", () => chooseFilter(view, number));
    return { button, canvas, share };
  });
  view.tiles.replaceChildren(...view.buttons.map(({ button }) => button));
  view.slider.max = data.epochs.length - 1;
  view.chosen = Math.min(view.chosen, count - 1);
  showEpoch(view, data.epochs.length - 1);
}

function play(view) {
  if (view.at >= view.data.epochs.length - 1) showEpoch(view, 0);
  view.play.textContent = "Pause";
  view.playing = setInterval(() => {
    if (view.at >= view.data.epochs.length - 1) stop(view);
    else showEpoch(view, view.at + 1);
  }, PLAY_MS);
}

function stop(view) {
  clearInterval(view.playing);
  view.playing = 0;
  view.play.textContent = "Play";
}

function showEpoch(view, at) {
  view.at = at;
  view.slider.value = at;
  view.when.textContent = epochTitle(view, at) + (view.data.epochs[at] ? "" : ": random weights");
  view.slider.setAttribute("aria-valuetext", view.when.textContent);
  view.buttons.forEach(({ button, canvas, share: moved }, number) => {
    drawFilter(canvas, view, kernelAt(view, at, number), view.data.largest);
    const words = formatShare(relativeChange(view, at, number));
    moved.textContent = at ? words : "";
    button.setAttribute("aria-label", `Filter ${number + 1}: changed by ${words}`);
  });
  chooseFilter(view, view.chosen);
}

function epochTitle(view, at) {
  const epoch = view.data.epochs[at];
  return epoch ? `After epoch ${epoch}` : "Before training";
}

function chooseFilter(view, number) {
  view.chosen = number;
  view.buttons.forEach(({ button }, other) => {
    button.setAttribute("aria-pressed", other === number);
    button.tabIndex = other === number ? 0 : -1;
  });
  const [before, now] = [kernelAt(view, 0, number), kernelAt(view, view.at, number)];
  const change = now.map((weight, at) => weight - before[at]);
  const most = (values) => values.reduce((m, value) => Math.max(m, Math.abs(value)), 1e-9);
  const scale = Math.max(most(before), most(now));
  view.title.textContent = `Filter ${number + 1}`;
  view.large[1].caption.textContent = epochTitle(view, view.at);
  [before, now].forEach((kernel, at) => drawFilter(view.large[at].canvas, view, kernel, scale));
  drawFilter(view.large[2].canvas, view, change, view.at ? most(change) : 1);
  view.large[0].caption.textContent = epochTitle(view, 0);
  view.said.textContent =
    `The change is ${formatShare(relativeChange(view, view.at, number))} of the filter's size at the start; ` +
    "its picture is stretched to full contrast. Grey means a weight of 0; more red than grey, that " +
    "red counts for, less, against; the same for green and blue.";
  showMaps(view, [before, now]);
}

function showMaps(view, kernels) {
  if (!view.channels) return;
  const { size, stride, before, side } = view.data;
  const maps = kernels.map((kernel) =>
    convolve(view.channels, { size, stride, before, side, weights: byChannel(view, kernel) }),
  );
  [0, view.at].forEach((at, number) => {
    view.found[number].caption.textContent = `Its map ${epochTitle(view, at).toLowerCase()}`;
  });
  const most = Math.max(...maps.map((map) => map.reduce((m, v) => Math.max(m, Math.abs(v)), 1e-9)));
  maps.forEach((map, at) =>
    paintPixels(view.found[at].canvas, side, side, (x, y) =>
      divergingColour(map[y * side + x] / most),
    ),
  );
}

// Kernels have the network's order: row, column, channel, filter.
function kernelAt(view, at, number) {
  const count = view.data.shape[3];
  const start = at * view.size * count;
  return Float32Array.from(
    { length: view.size },
    (_, i) => view.kernels[start + i * count + number],
  );
}

function byChannel(view, kernel) {
  const [rows, columns, channels] = view.data.shape;
  return Array.from({ length: channels }, (_, channel) =>
    Array.from({ length: rows * columns }, (_, at) => kernel[at * channels + channel]),
  );
}

function relativeChange(view, at, number) {
  const [before, now] = [kernelAt(view, 0, number), kernelAt(view, at, number)];
  const length = (values) => Math.sqrt(values.reduce((sum, value) => sum + value * value, 0));
  return length(now.map((weight, i) => weight - before[i])) / length(before);
}

function drawFilter(canvas, view, kernel, largest) {
  const [rows, columns] = view.data.shape;
  paintPixels(canvas, columns, rows, (x, y) =>
    [0, 1, 2].map((channel) => 128 + (127 * kernel[(y * columns + x) * 3 + channel]) / largest),
  );
}
