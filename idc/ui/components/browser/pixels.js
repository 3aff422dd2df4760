// Numbers as pixels on a canvas.

import { clamp } from "./numbers.js";

// Paints `width` x `height` pixels; `colourAt(x, y)` returns [red, green, blue], each 0 to 255.
export function paintPixels(canvas, width, height, colourAt) {
  canvas.width = width;
  canvas.height = height;
  const image = new ImageData(width, height);
  for (let y = 0, at = 0; y < height; y += 1) {
    for (let x = 0; x < width; x += 1, at += 4) {
      const [red, green, blue] = colourAt(x, y);
      image.data.set([red, green, blue, 255], at);
    }
  }
  canvas.getContext("2d").putImageData(image, 0, 0);
}

// [0, 1] -> black to white.
export function greyColour(value) {
  const level = 255 * clamp(value, 0, 1);
  return [level, level, level];
}

// Brown against green: distinguishable with any colour vision.
const NEGATIVE_END = [140, 81, 10];
const POSITIVE_END = [1, 102, 94];

// [-1, 1] -> brown over white to green.
export function divergingColour(value) {
  const end = value < 0 ? NEGATIVE_END : POSITIVE_END;
  const strength = Math.min(1, Math.abs(value));
  return end.map((level) => 245 + (level - 245) * strength);
}
