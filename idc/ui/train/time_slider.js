// A slider through a watched slide's frames. As long as it stands at the newest frame it follows
// the training; a visitor who went back stays there. All of it happens in the browser.

import { element } from "../components/browser/dom.js";
import {
  decodeProbabilities,
  sharedFrames,
  showFrame,
} from "../components/browser/shared_frames.js";

const PLAY_S = 6; // the whole film, from the first frame to the last
const MIN_FRAME_MS = 80;
const MAX_FRAME_MS = 600;

export default function ({ data, parentElement }) {
  const bar = parentElement.bar ?? (parentElement.bar = newBar(parentElement));
  const film = sharedFrames(data.film);
  if (bar.film !== film) stop(bar);
  bar.film = film;
  updateFrames(film, data);
  bar.slider.setAttribute("aria-label", data.label);
  update(bar);
  return () => stop(bar);
}

// Frames that are here already stay the same objects; the place is kept by name, not by number.
function updateFrames(film, data) {
  if (film.content === data.content) return;
  const followed = film.at < 0 || film.at >= film.frames.length - 1;
  const seen = film.frames[film.at]?.name;
  const known = new Map(film.frames.map((frame) => [frame.name, frame]));
  film.content = data.content;
  film.frames = data.frames.map((frame) => {
    const same = known.get(frame.name);
    return same?.levels === frame.levels
      ? same
      : { ...frame, values: decodeProbabilities(frame.levels) };
  });
  const found = film.frames.findIndex(({ name }) => name === seen);
  showFrame(film, followed || found < 0 ? film.frames.length - 1 : found);
}

function newBar(parentElement) {
  const play = element("button", "play");
  play.type = "button";
  const slider = element("input", "slider");
  Object.assign(slider, { type: "range", min: 0, step: 1 });
  const words = element("output", "words");
  parentElement.append(element("div", "bar", play, slider, words));
  const bar = { play, slider, words, playing: 0 };
  slider.addEventListener("input", () => {
    const at = slider.valueAsNumber; // before `stop` shows where the film stands
    stop(bar);
    showAt(bar, at);
  });
  play.addEventListener("click", () => (bar.playing ? stop(bar) : startPlaying(bar)));
  return bar;
}

function showAt(bar, at) {
  showFrame(bar.film, at);
  update(bar);
}

function startPlaying(bar) {
  const { film } = bar;
  const pause = Math.min(
    Math.max((1000 * PLAY_S) / film.frames.length, MIN_FRAME_MS),
    MAX_FRAME_MS,
  );
  if (film.at >= film.frames.length - 1) showFrame(film, 0);
  bar.playing = setInterval(() => {
    if (film.at >= film.frames.length - 1) stop(bar);
    else showAt(bar, film.at + 1);
  }, pause);
  update(bar);
}

function stop(bar) {
  clearInterval(bar.playing);
  bar.playing = 0;
  if (bar.film) update(bar);
}

function update({ film, play, slider, words, playing }) {
  const { frames, at } = film;
  const last = frames.length - 1;
  slider.max = Math.max(last, 0);
  slider.value = Math.max(at, 0);
  slider.style.setProperty("--at", last > 0 ? at / last : 1);
  slider.disabled = play.disabled = last < 1;
  words.textContent = frames[at]?.title ?? "";
  slider.setAttribute("aria-valuetext", words.textContent);
  play.textContent = playing ? "❚❚" : "▶";
  play.setAttribute("aria-label", playing ? "Pause" : "Play from noise to map");
  play.title = play.getAttribute("aria-label");
}
