// The predictions that the components of a page share, and the threshold on them. A component
// follows the predictions of its name, so that a move of the threshold reaches all of them without
// leaving the browser.

import { decodeArray } from "./base64.js";

const predictionsByName = new Map();

export function sharedPredictions(name) {
  if (!predictionsByName.has(name)) {
    predictionsByName.set(name, {
      content: "",
      cases: [],
      threshold: null,
      followers: new Set(),
      frame: 0,
    });
  }
  return predictionsByName.get(name);
}

// `data`: what `idc.ui.evaluate.browser_predictions.predictions_payload` returns. Probabilities
// are sorted by case, label and value.
export function loadPredictions(predictions, data) {
  if (predictions.content === data.content) return;
  predictions.content = data.content;
  const probabilities = decodeArray(data.probabilities, Float32Array);
  let start = 0;
  const next = (count) => probabilities.subarray(start, (start += count));
  predictions.cases = data.cases.map(([number, negatives, positives]) => ({
    number,
    negatives: next(negatives),
    positives: next(positives),
  }));
  predictions.threshold = null; // The counts belong to the old predictions.
}

export function setThreshold(predictions, threshold) {
  if (predictions.threshold === threshold) return;
  predictions.threshold = threshold;
  predictions.byCase = predictions.cases.map((one) => countsAt(one, threshold));
  predictions.all = predictions.byCase.reduce(addCounts, { tn: 0, fp: 0, fn: 0, tp: 0 });
  // Several moves between two frames are drawn once.
  predictions.frame ||= requestAnimationFrame(() => {
    predictions.frame = 0;
    for (const draw of predictions.followers) draw(predictions);
  });
}

// Calls `draw(predictions)` at once, if there is a threshold, and after each move. Returns a
// function that ends it.
export function followThreshold(predictions, draw) {
  predictions.followers.add(draw);
  if (predictions.threshold !== null) draw(predictions);
  return () => predictions.followers.delete(draw);
}

// The confusion matrix of one case; `negatives` and `positives` are ascending probabilities.
export function countsAt({ negatives, positives }, threshold) {
  const fp = countAtLeast(negatives, threshold);
  const tp = countAtLeast(positives, threshold);
  return { tn: negatives.length - fp, fp, fn: positives.length - tp, tp };
}

// How many numbers of an ascending array are at or above a threshold (binary search).
export function countAtLeast(ascending, threshold) {
  let low = 0;
  let high = ascending.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (ascending[middle] < threshold) low = middle + 1;
    else high = middle;
  }
  return ascending.length - low;
}

function addCounts(sum, one) {
  return { tn: sum.tn + one.tn, fp: sum.fp + one.fp, fn: sum.fn + one.fn, tp: sum.tp + one.tp };
}
