import assert from "node:assert/strict";
import test from "node:test";

import { PATCH_SIDE_PX } from "../../idc/ui/components/browser/patches.js";
import {
  brightnessChannel,
  convolve,
  productsAt,
  scaledChannels,
} from "../../idc/ui/how_it_works/convolution.js";

const SIZE = PATCH_SIDE_PX ** 2;
const ramp = Float32Array.from({ length: SIZE }, (_, at) => at);
const filter = (weights, changes = {}) => ({
  size: 3,
  stride: 1,
  before: 1,
  side: PATCH_SIDE_PX,
  weights: [weights],
  ...changes,
});

test("the identity filter returns the channel", () => {
  assert.deepEqual(convolve([ramp], filter([0, 0, 0, 0, 1, 0, 0, 0, 0])), ramp);
});

test("padding counts 0", () => {
  const map = convolve([new Float32Array(SIZE).fill(1)], filter(Array(9).fill(1)));
  assert.deepEqual([map[0], map[1], map[PATCH_SIDE_PX + 1]], [4, 6, 9]);
});

test("a stride of 2 skips every other place", () => {
  const map = convolve([ramp], filter([1, 0, 0, 1], { size: 2, stride: 2, before: 0, side: 25 }));
  assert.equal(map.length, 625);
  assert.deepEqual([map[0], map[1], map[25]], [51, 55, 251]);
});

test("channels are summed", () => {
  const one = filter([0, 0, 0, 0, 1, 0, 0, 0, 0]);
  const map = convolve([ramp, ramp], { ...one, weights: [one.weights[0], one.weights[0]] });
  assert.equal(map[10], 20);
});

test("the products at a place add up to the map's value", () => {
  const weights = [1, 2, 3, 4, 5, 6, 7, 8, 9];
  const [products] = productsAt([ramp], filter(weights), [0, 3]);
  const sum = products.reduce((all, { product }) => all + product, 0);
  assert.equal(sum, convolve([ramp], filter(weights))[3 * PATCH_SIDE_PX]);
  assert.equal(products.filter(({ outside }) => outside).length, 3);
});

test("channels are scaled and shifted; brightness weighs the colours", () => {
  const rgb = new Uint8Array(3 * SIZE);
  rgb.set([100, 200, 50]);
  const channels = scaledChannels(rgb, [1, 2, 3], [0, 1, 2]);
  assert.deepEqual(
    channels.map((channel) => channel[0]),
    [100, 401, 152],
  );
  assert.equal(brightnessChannel(rgb)[0][0], 153);
});
