// The convolution of a patch with one filter. A filter has `size`, `stride`, `before` (zero padding
// before the first pixel), `side` (of the map) and `weights`, one list per channel, row by row.
// Input channels are `channels[c][y * PATCH_SIDE_PX + x]`.

import { PATCH_SIDE_PX } from "../components/browser/patches.js";

// The network's input: red, green and blue, each scaled and shifted.
export function scaledChannels(rgb, scale, shift) {
  return [0, 1, 2].map((channel) =>
    Float32Array.from(
      { length: PATCH_SIDE_PX ** 2 },
      (_, at) => rgb[3 * at + channel] * scale[channel] + shift[channel],
    ),
  );
}

// The brightness of a patch, 0 to 255, by the weights of ITU-R BT.601.
export function brightnessChannel(rgb) {
  return [
    Float32Array.from({ length: PATCH_SIDE_PX ** 2 }, (_, at) =>
      Math.round(0.299 * rgb[3 * at] + 0.587 * rgb[3 * at + 1] + 0.114 * rgb[3 * at + 2]),
    ),
  ];
}

// The products at a position of the map: a list of {value, weight, product, x, y, outside} per
// channel; `outside`: in the padding, where the value is 0.
export function productsAt(channels, filter, [column, row]) {
  return filter.weights.map((weights, channel) =>
    weights.map((weight, at) => {
      const x = column * filter.stride - filter.before + (at % filter.size);
      const y = row * filter.stride - filter.before + Math.floor(at / filter.size);
      const outside = x < 0 || y < 0 || x >= PATCH_SIDE_PX || y >= PATCH_SIDE_PX;
      const value = outside ? 0 : channels[channel][y * PATCH_SIDE_PX + x];
      return { value, weight, product: value * weight, x, y, outside };
    }),
  );
}

// The map, float32, row by row.
export function convolve(channels, filter) {
  const map = new Float32Array(filter.side ** 2);
  for (let row = 0, at = 0; row < filter.side; row += 1) {
    for (let column = 0; column < filter.side; column += 1, at += 1) {
      map[at] = weightedSum(channels, filter, column, row);
    }
  }
  return map;
}

function weightedSum(channels, { weights, size, stride, before }, column, row) {
  const [left, top] = [column * stride - before, row * stride - before];
  let sum = 0;
  for (let channel = 0; channel < weights.length; channel += 1) {
    for (let dy = Math.max(0, -top); dy < size && top + dy < PATCH_SIDE_PX; dy += 1) {
      for (let dx = Math.max(0, -left); dx < size && left + dx < PATCH_SIDE_PX; dx += 1) {
        sum +=
          weights[channel][dy * size + dx] *
          channels[channel][(top + dy) * PATCH_SIDE_PX + left + dx];
      }
    }
  }
  return sum;
}
