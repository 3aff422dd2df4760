// The convolution of a patch with one filter. A filter has `size`, `stride`, `before` (zero padding
// before the first pixel), `side` (of the map) and `weights`, one list per channel, row by row.
// Input channels are `channels[c][y * side + x]` of a square patch.

// The network's input: red, green and blue, each scaled and shifted.
export function scaledChannels(rgb, scale, shift) {
  return [0, 1, 2].map((channel) =>
    Float32Array.from(
      { length: rgb.length / 3 },
      (_, at) => rgb[3 * at + channel] * scale[channel] + shift[channel],
    ),
  );
}

// The brightness of a patch, 0 to 255, by the weights of ITU-R BT.601.
export function brightnessChannel(rgb) {
  return [
    Float32Array.from({ length: rgb.length / 3 }, (_, at) =>
      Math.round(0.299 * rgb[3 * at] + 0.587 * rgb[3 * at + 1] + 0.114 * rgb[3 * at + 2]),
    ),
  ];
}

// The products at a position of the map: a list of {value, weight, product, x, y, outside} per
// channel; `outside`: in the padding, where the value is 0.
export function productsAt(channels, filter, [column, row]) {
  const side = sideOfChannel(channels);
  return filter.weights.map((weights, channel) =>
    weights.map((weight, at) => {
      const x = column * filter.stride - filter.before + (at % filter.size);
      const y = row * filter.stride - filter.before + Math.floor(at / filter.size);
      const outside = x < 0 || y < 0 || x >= side || y >= side;
      const value = outside ? 0 : channels[channel][y * side + x];
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

function sideOfChannel([channel]) {
  return Math.round(Math.sqrt(channel.length));
}

function weightedSum(channels, { weights, size, stride, before }, column, row) {
  const [left, top] = [column * stride - before, row * stride - before];
  const side = sideOfChannel(channels);
  let sum = 0;
  for (let channel = 0; channel < weights.length; channel += 1) {
    for (let dy = Math.max(0, -top); dy < size && top + dy < side; dy += 1) {
      for (let dx = Math.max(0, -left); dx < size && left + dx < side; dx += 1) {
        sum += weights[channel][dy * size + dx] * channels[channel][(top + dy) * side + left + dx];
      }
    }
  }
  return sum;
}
