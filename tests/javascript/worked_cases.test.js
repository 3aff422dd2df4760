// Scores, class names and colours as in the table that the Python tests read too.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import test from "node:test";

import { CLASS_COLOURS } from "../../idc/ui/components/browser/colours.js";
import { CLASS_NAMES } from "../../idc/ui/components/browser/patches.js";
import { scoresFromCounts } from "../../idc/ui/components/browser/scores.js";

const table = JSON.parse(readFileSync(new URL("../data/worked_cases.json", import.meta.url)));

for (const { name, counts, scores } of table.scores) {
  test(`scores: ${name}`, () => {
    const computed = scoresFromCounts(counts);
    assert.deepEqual(Object.keys(computed).sort(), Object.keys(scores).sort());
    for (const [score, expected] of Object.entries(scores)) {
      if (expected === null) assert.ok(Number.isNaN(computed[score]), score);
      else assert.ok(Math.abs(computed[score] - expected) < 1e-12, score);
    }
  });
}

test("class names and colours", () => {
  assert.deepEqual(CLASS_NAMES, table.class_names);
  assert.deepEqual(CLASS_COLOURS, table.class_colours);
});
