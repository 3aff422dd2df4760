// The frames of a watched slide that its viewer and its time slider share, by name. Only the
// slider receives the frames, so that a new frame does not send the picture again.

import { decodeBytes } from "./base64.js";

const MISSING_LEVEL = 255;
const LEVELS = 254;

const framesByName = new Map();

// `at` is the index of the frame that is shown; -1 while there is none.
export function sharedFrames(name) {
  if (!framesByName.has(name)) framesByName.set(name, { at: -1, frames: [], followers: new Set() });
  return framesByName.get(name);
}

export function showFrame(sequence, at) {
  sequence.at = at;
  for (const draw of sequence.followers) draw(sequence);
}

// Calls `draw(sequence)` at once and after each change. Returns a function that ends it.
export function followFrames(sequence, draw) {
  sequence.followers.add(draw);
  draw(sequence);
  return () => sequence.followers.delete(draw);
}

// Levels as `idc.runs.watched_slide` writes them -> probabilities; NaN where there is no answer.
export function decodeProbabilities(base64) {
  return Float32Array.from(decodeBytes(base64), (level) =>
    level === MISSING_LEVEL ? NaN : (level + 0.5) / LEVELS,
  );
}
