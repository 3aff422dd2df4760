// What training did to the first filters: a slider over epochs, all filters as small colour
// pictures, and one of them before, now, and how it changed. Nothing here asks a server.

import { decodeBytes } from "../components/browser/base64.js";
import { choiceButton, element } from "../components/browser/dom.js";
import { formatShare } from "../components/browser/numbers.js";
import { divergingColour, paintPixels } from "../components/browser/pixels.js";
import { convolve, scaledChannels } from "./convolution.js";

const PLAY_MS = 500;

export default function ({ data, parentElement }) {
  const film = (parentElement.film ??= newView(parentElement));
  if (film.content !== data.content) load(film, data);
  return () => stop(film);
}

function newView(parentElement) {
  const film = { at: 0, chosen: 0, playing: 0 };
  film.slider = element("input");
  Object.assign(film.slider, { type: "range", min: 0, step: 1 });
  film.slider.setAttribute("aria-label", "Epoch");
  film.slider.addEventListener("input", () => {
    stop(film);
    showEpoch(film, film.slider.valueAsNumber);
  });
  film.play = choiceButton("Play", () => (film.playing ? stop(film) : play(film)));
  film.when = element("output", "when");
  film.tiles = element("div", "tiles");
  film.tiles.setAttribute("role", "group");
  film.tiles.setAttribute("aria-label", "First filters");
  film.tiles.addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    const next = film.buttons[film.chosen + (step ?? 0)];
    if (!step || !next) return;
    event.preventDefault();
    chooseFilter(film, film.chosen + step);
    next.button.focus();
  });
  film.title = element("h4");
  film.large = ["", "", "What training added"].map((title) => {
    const canvas = element("canvas");
    const caption = element("figcaption", "", title);
    return { canvas, caption, figure: element("figure", "", canvas, caption) };
  });
  film.found = ["", ""].map((title) => {
    const canvas = element("canvas");
    const caption = element("figcaption", "", title);
    return { canvas, caption, figure: element("figure", "wide", canvas, caption) };
  });
  film.said = element("p", "hint");
  film.largeRow = element("div", "large", ...film.large.map(({ figure }) => figure));
  film.foundRow = element("div", "large", ...film.found.map(({ figure }) => figure));
  parentElement.append(
    element("div", "bar", film.play, film.slider, film.when),
    film.tiles,
    film.title,
    film.largeRow,
    film.said,
    film.foundRow,
  );
  return film;
}

function load(film, data) {
  stop(film);
  film.content = data.content;
  film.data = data;
  const [rows, columns, channels, count] = data.shape;
  film.size = rows * columns * channels;
  const levels = decodeBytes(data.kernels);
  film.kernels = Float32Array.from(levels, (level) => ((level - 128) / 127) * data.largest);
  film.channels = data.patch && scaledChannels(decodeBytes(data.patch), data.scale, data.shift);
  film.foundRow.hidden = !film.channels;
  film.buttons = Array.from({ length: count }, (_, number) => {
    const canvas = element("canvas");
    const share = element("span", "moved");
    const button = element("button", "tile", canvas, share);
    button.type = "button";
    button.addEventListener("click", () => chooseFilter(film, number));
    return { button, canvas, share };
  });
  film.tiles.replaceChildren(...film.buttons.map(({ button }) => button));
  film.slider.max = data.epochs.length - 1;
  film.chosen = Math.min(film.chosen, count - 1);
  showEpoch(film, data.epochs.length - 1);
}

function play(film) {
  if (film.at >= film.data.epochs.length - 1) showEpoch(film, 0);
  film.play.textContent = "Pause";
  film.playing = setInterval(() => {
    if (film.at >= film.data.epochs.length - 1) stop(film);
    else showEpoch(film, film.at + 1);
  }, PLAY_MS);
}

function stop(film) {
  clearInterval(film.playing);
  film.playing = 0;
  film.play.textContent = "Play";
}

function showEpoch(film, at) {
  film.at = at;
  film.slider.value = at;
  film.when.textContent = epochTitle(film, at) + (film.data.epochs[at] ? "" : ": pure chance");
  film.slider.setAttribute("aria-valuetext", film.when.textContent);
  film.buttons.forEach(({ button, canvas, share: moved }, number) => {
    drawFilter(canvas, film, kernelAt(film, at, number), film.data.largest);
    const words = formatShare(relativeChange(film, at, number));
    moved.textContent = at ? words : "";
    button.setAttribute("aria-label", `Filter ${number + 1}: changed by ${words}`);
  });
  chooseFilter(film, film.chosen);
}

function epochTitle(film, at) {
  const epoch = film.data.epochs[at];
  return epoch ? `After epoch ${epoch}` : "Before training";
}

function chooseFilter(film, number) {
  film.chosen = number;
  film.buttons.forEach(({ button }, other) => {
    button.setAttribute("aria-pressed", other === number);
    button.tabIndex = other === number ? 0 : -1;
  });
  const [before, now] = [kernelAt(film, 0, number), kernelAt(film, film.at, number)];
  const change = now.map((weight, at) => weight - before[at]);
  const most = (values) => values.reduce((m, value) => Math.max(m, Math.abs(value)), 1e-9);
  const scale = Math.max(most(before), most(now));
  film.title.textContent = `Filter ${number + 1}`;
  film.large[1].caption.textContent = epochTitle(film, film.at);
  [before, now].forEach((kernel, at) => drawFilter(film.large[at].canvas, film, kernel, scale));
  drawFilter(film.large[2].canvas, film, change, film.at ? most(change) : 1);
  film.large[0].caption.textContent = epochTitle(film, 0);
  film.said.textContent =
    `The change is ${formatShare(relativeChange(film, film.at, number))} of the filter's size at the start; ` +
    "its picture is stretched to full contrast. Grey means a weight of 0; more red than grey, that " +
    "red counts for, less, against; the same for green and blue.";
  showMaps(film, [before, now]);
}

function showMaps(film, kernels) {
  if (!film.channels) return;
  const { size, stride, before, side } = film.data;
  const maps = kernels.map((kernel) =>
    convolve(film.channels, { size, stride, before, side, weights: byChannel(film, kernel) }),
  );
  [0, film.at].forEach((at, number) => {
    film.found[number].caption.textContent = `What it finds ${epochTitle(film, at).toLowerCase()}`;
  });
  const most = Math.max(...maps.map((map) => map.reduce((m, v) => Math.max(m, Math.abs(v)), 1e-9)));
  maps.forEach((map, at) =>
    paintPixels(film.found[at].canvas, side, side, (x, y) =>
      divergingColour(map[y * side + x] / most),
    ),
  );
}

// Kernels lie as the network keeps them: row, column, channel, filter.
function kernelAt(film, at, number) {
  const count = film.data.shape[3];
  const start = at * film.size * count;
  return Float32Array.from(
    { length: film.size },
    (_, i) => film.kernels[start + i * count + number],
  );
}

function byChannel(film, kernel) {
  const [rows, columns, channels] = film.data.shape;
  return Array.from({ length: channels }, (_, channel) =>
    Array.from({ length: rows * columns }, (_, at) => kernel[at * channels + channel]),
  );
}

function relativeChange(film, at, number) {
  const [before, now] = [kernelAt(film, 0, number), kernelAt(film, at, number)];
  const length = (values) => Math.sqrt(values.reduce((sum, value) => sum + value * value, 0));
  return length(now.map((weight, i) => weight - before[i])) / length(before);
}

function drawFilter(canvas, film, kernel, largest) {
  const [rows, columns] = film.data.shape;
  paintPixels(canvas, columns, rows, (x, y) =>
    [0, 1, 2].map((channel) => 128 + (127 * kernel[(y * columns + x) * 3 + channel]) / largest),
  );
}
