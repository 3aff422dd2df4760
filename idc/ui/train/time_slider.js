// A slider over a watched slide's frames. At the newest frame it follows the training; a visitor
// who moved back stays there. Runs in the browser alone.

import { element } from "../components/browser/dom.js";
import {
  decodeProbabilities,
  sharedFrames,
  showFrame,
} from "../components/browser/shared_frames.js";

const PLAY_S = 6; // all frames, from the first to the last
const MIN_FRAME_MS = 80;
const MAX_FRAME_MS = 600;

export default function ({ data, parentElement }) {
  const bar = parentElement.bar ?? (parentElement.bar = newBar(parentElement));
  const sequence = sharedFrames(data.timeline_id);
  if (bar.sequence !== sequence) stop(bar);
  bar.sequence = sequence;
  updateFrames(sequence, data);
  bar.slider.setAttribute("aria-label", data.label);
  update(bar);
  return () => stop(bar);
}

// Known frames stay the same objects; the position is kept by name, not by index.
function updateFrames(sequence, data) {
  if (sequence.content === data.content) return;
  const followed = sequence.at < 0 || sequence.at >= sequence.frames.length - 1;
  const seen = sequence.frames[sequence.at]?.name;
  const known = new Map(sequence.frames.map((frame) => [frame.name, frame]));
  sequence.content = data.content;
  sequence.frames = data.frames.map((frame) => {
    const same = known.get(frame.name);
    return same?.levels === frame.levels
      ? same
      : { ...frame, values: decodeProbabilities(frame.levels) };
  });
  const found = sequence.frames.findIndex(({ name }) => name === seen);
  showFrame(sequence, followed || found < 0 ? sequence.frames.length - 1 : found);
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
    const at = slider.valueAsNumber; // before `stop` resets it
    stop(bar);
    showAt(bar, at);
  });
  play.addEventListener("click", () => (bar.playing ? stop(bar) : startPlaying(bar)));
  return bar;
}

function showAt(bar, at) {
  showFrame(bar.sequence, at);
  update(bar);
}

function startPlaying(bar) {
  const { sequence } = bar;
  const pause = Math.min(
    Math.max((1000 * PLAY_S) / sequence.frames.length, MIN_FRAME_MS),
    MAX_FRAME_MS,
  );
  if (sequence.at >= sequence.frames.length - 1) showFrame(sequence, 0);
  bar.playing = setInterval(() => {
    if (sequence.at >= sequence.frames.length - 1) stop(bar);
    else showAt(bar, sequence.at + 1);
  }, pause);
  update(bar);
}

function stop(bar) {
  clearInterval(bar.playing);
  bar.playing = 0;
  if (bar.sequence) update(bar);
}

function update({ sequence, play, slider, words, playing }) {
  const { frames, at } = sequence;
  const last = frames.length - 1;
  slider.max = Math.max(last, 0);
  slider.value = Math.max(at, 0);
  slider.style.setProperty("--at", last > 0 ? at / last : 1);
  slider.disabled = play.disabled = last < 1;
  words.textContent = frames[at]?.title ?? "";
  slider.setAttribute("aria-valuetext", words.textContent);
  play.textContent = playing ? "❚❚" : "▶";
  play.setAttribute("aria-label", playing ? "Pause" : "Play all frames");
  play.title = play.getAttribute("aria-label");
}
