// What each kind of layer does, in one or two sentences for a beginner.

import { formatCount } from "./numbers.js";

// Keras class name -> [title, description]
export const LAYER_DESCRIPTIONS = {
  Rescaling: [
    "Scaling",
    "The colours of the pixels, 0 to 255, become small numbers: networks learn faster on those.",
  ],
  Conv2D: [
    "Convolution",
    "Each filter slides over all maps below at once, multiplies, adds up, and writes one map of its own: bright where it found what it looks for.",
  ],
  BatchNormalization: [
    "Batch normalisation",
    "Brings every map to a common scale, measured while training, so that no map drowns the others.",
  ],
  Activation: ["ReLU", "Keeps what is positive and sets the rest to 0: found, or not found."],
  MaxPooling2D: [
    "Pooling (largest)",
    "Of each little square only the largest value goes on: the map shrinks, and it matters less where exactly something was found.",
  ],
  AveragePooling2D: [
    "Pooling (average)",
    "Of each little square the average goes on: the map shrinks and forgets fine detail.",
  ],
  Dropout: [
    "Dropout",
    "While it trains, it hides some values at random, so that the network leans on no single one. When it predicts, as here, it does nothing.",
  ],
  Add: [
    "Addition",
    "Two ways meet: what came straight from below, plus what the convolutions beside it found (a residual block).",
  ],
  Flatten: ["All in a row", "The same values as before, written one after the other as a list."],
  GlobalAveragePooling2D: [
    "Average of each map",
    "Of each map one number is left, its average: how much of it was found anywhere in the patch.",
  ],
  Dense: [
    "Dense",
    "Each number is a sum over all numbers before, each with a weight of its own: the evidence is put together.",
  ],
};

export function layerTitle({ kind, filters }) {
  const [title] = LAYER_DESCRIPTIONS[kind] ?? [kind];
  return filters ? `${title} ${filters.shape[0]}×${filters.shape[1]}` : title;
}

export function formatShape(shape) {
  if (shape.length === 1) {
    return `${formatCount(shape[0])} ${shape[0] === 1 ? "number" : "numbers"}`;
  }
  const [height, width, maps] = shape;
  return `${height} × ${width} × ${maps}`;
}
