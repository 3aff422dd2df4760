import assert from "node:assert/strict";
import test from "node:test";

import {
  countAtLeast,
  followThreshold,
  loadPredictions,
  setThreshold,
  sharedPredictions,
} from "../../idc/ui/components/browser/shared_predictions.js";

const frames = [];
globalThis.requestAnimationFrame = (draw) => frames.push(draw);
const drawFrame = () => frames.splice(0).forEach((draw) => draw());

function payload(content, values, cases) {
  const bytes = Buffer.from(Float32Array.from(values).buffer);
  return { content, probabilities: bytes.toString("base64"), cases };
}

// Case 7: two negatives, one positive. Case 9: one positive.
const DATA = payload(
  "a",
  [0.25, 0.5, 0.75, 0.125],
  [
    [7, 2, 1],
    [9, 0, 1],
  ],
);

function loaded(name) {
  const predictions = sharedPredictions(name);
  loadPredictions(predictions, DATA);
  return predictions;
}

test("counts include probabilities equal to the threshold", () => {
  const ascending = [0.1, 0.5, 0.5, 0.9];
  assert.deepEqual(
    [0, 0.5, 0.6, 1].map((at) => countAtLeast(ascending, at)),
    [4, 3, 1, 0],
  );
  assert.equal(countAtLeast([], 0.5), 0);
});

test("a threshold counts each case and all cases", () => {
  const predictions = loaded("counts");
  setThreshold(predictions, 0.5);
  assert.deepEqual(predictions.byCase, [
    { tn: 1, fp: 1, fn: 0, tp: 1 },
    { tn: 0, fp: 0, fn: 1, tp: 0 },
  ]);
  assert.deepEqual(predictions.all, { tn: 1, fp: 1, fn: 1, tp: 1 });
});

test("several moves between two frames are drawn once", () => {
  const predictions = loaded("moves");
  const drawn = [];
  followThreshold(predictions, ({ threshold }) => drawn.push(threshold));
  setThreshold(predictions, 0.3);
  setThreshold(predictions, 0.4);
  drawFrame();
  assert.deepEqual(drawn, [0.4]);
});

test("a new follower is drawn at once and an ended one no more", () => {
  const predictions = loaded("followers");
  setThreshold(predictions, 0.3);
  const drawn = [];
  const end = followThreshold(predictions, ({ threshold }) => drawn.push(threshold));
  end();
  setThreshold(predictions, 0.4);
  drawFrame();
  assert.deepEqual(drawn, [0.3]);
});

test("other predictions reset the threshold, equal ones keep it", () => {
  const predictions = loaded("reload");
  setThreshold(predictions, 0.3);
  loadPredictions(predictions, DATA);
  assert.equal(predictions.threshold, 0.3);
  loadPredictions(predictions, payload("b", [0.5], [[1, 1, 0]]));
  assert.equal(predictions.threshold, null);
});
