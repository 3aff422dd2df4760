// A filter over a patch, as a network does it. A filter has `size`, `stride`, `before` (places of
// padding before the first pixel; padding counts 0), `side` (of the map) and `weights`, one list a
// channel, row by row. A channel is what the filter is fed: `channels[c][y * PATCH_SIDE + x]`.

import { PATCH_SIDE_PX } from "../components/browser/patches.js";

// What the network is fed of a patch: red, green and blue, each scaled and shifted.
export function scaledChannels(rgb, scale, shift) {
  return [0, 1, 2].map((channel) =>
    Float32Array.from(
      { length: PATCH_SIDE_PX ** 2 },
      (_, at) => rgb[3 * at + channel] * scale[channel] + shift[channel],
    ),
  );
}

// The brightness of a patch, 0 to 255, as the eye weighs the three colours (ITU-R BT.601).
export function brightnessChannel(rgb) {
  return [
    Float32Array.from({ length: PATCH_SIDE_PX ** 2 }, (_, at) =>
      Math.round(0.299 * rgb[3 * at] + 0.587 * rgb[3 * at + 1] + 0.114 * rgb[3 * at + 2]),
    ),
  ];
}

// The products below the filter at a place of the map: [{value, weight, product, x, y}] a channel;
// outside the patch the value is 0, and `outside` says so.
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

// The whole map, row by row.
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
