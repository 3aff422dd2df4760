import assert from "node:assert/strict";
import test from "node:test";

import { decodeArray } from "../../idc/ui/components/browser/base64.js";
import { probabilityColour } from "../../idc/ui/components/browser/colours.js";
import { cellAfterKey } from "../../idc/ui/components/browser/grid_cells.js";
import * as numbers from "../../idc/ui/components/browser/numbers.js";
import { divergingColour, greyColour } from "../../idc/ui/components/browser/pixels.js";
import { optionAfterKey } from "../../idc/ui/components/browser/roving_focus.js";
import { decodeProbabilities } from "../../idc/ui/components/browser/shared_frames.js";

test("undefined numbers are a dash", () => {
  assert.deepEqual([numbers.formatScore(NaN), numbers.formatShare(NaN)], ["–", "–"]);
  assert.deepEqual([numbers.formatScore(0.5), numbers.formatShare(0.5)], ["0.500", "50.0 %"]);
});

test("numbers have significant digits and a true minus sign", () => {
  const texts = [1234.5, -0.01234, 0, -1e-9].map((value) => numbers.formatNumber(value));
  assert.deepEqual(texts, ["1,230", "−0.0123", "0", "−0.000000001"]);
});

test("probability colours go from violet to yellow and are clipped", () => {
  assert.equal(probabilityColour(0), "rgb(68,1,84)");
  assert.equal(probabilityColour(1), "rgb(253,231,37)");
  assert.equal(probabilityColour(2), probabilityColour(1));
});

test("the diverging scale is near white at 0", () => {
  assert.deepEqual(divergingColour(0), [245, 245, 245]);
  assert.deepEqual(divergingColour(-3), [140, 81, 10]);
  assert.deepEqual(greyColour(2), [255, 255, 255]);
});

test("frames decode to probabilities, 255 to NaN", () => {
  const text = Buffer.from([0, 253, 255]).toString("base64");
  assert.deepEqual(decodeProbabilities(text), Float32Array.from([0.5 / 254, 253.5 / 254, NaN]));
  assert.deepEqual(decodeArray("AQD/fw==", Uint16Array), Uint16Array.from([1, 32767]));
});

test("arrow keys stay inside the grid", () => {
  assert.deepEqual(cellAfterKey("ArrowRight", [4, 0], 5, 7), [4, 0]);
  assert.deepEqual(cellAfterKey("ArrowDown", [4, 0], 5, 7), [4, 1]);
  assert.equal(cellAfterKey("Enter", [4, 0], 5, 7), null);
});

test("arrow keys move among options that wrap into rows", () => {
  const options = [0, 0, 0, 10, 10].map((offsetTop) => ({ offsetTop }));
  const after = (key) => optionAfterKey(key, options, 1);
  assert.deepEqual(
    ["ArrowLeft", "ArrowDown", "ArrowUp", "Home", "End"].map(after),
    [0, 4, -2, 0, 4],
  );
  assert.equal(after("x"), undefined);
});
