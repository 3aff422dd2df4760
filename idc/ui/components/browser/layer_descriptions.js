// What each kind of layer does, in one or two sentences for a beginner.

import { formatCount } from "./numbers.js";

// Keras class name -> [title, description]
export const LAYER_DESCRIPTIONS = {
  Rescaling: [
    "Scaling",
    "Scales the pixel values from 0 to 255 to small numbers, on which networks learn faster.",
  ],
  Conv2D: [
    "Convolution",
    "Each filter slides over all input maps, multiplies, adds up, and writes one map: bright where the input matches the filter.",
  ],
  BatchNormalization: [
    "Batch normalisation",
    "Brings every map to a common scale, measured during training, so that no map dominates the others.",
  ],
  Activation: ["ReLU", "Keeps positive values and sets negative values to 0."],
  MaxPooling2D: [
    "Pooling (largest)",
    "Keeps the largest value of each small square: the map shrinks, and the exact position matters less.",
  ],
  AveragePooling2D: [
    "Pooling (average)",
    "Keeps the average of each small square: the map shrinks and loses fine detail.",
  ],
  Dropout: [
    "Dropout",
    "Sets random values to 0 during training, so that the network does not depend on single values. In prediction, as here, it does nothing.",
  ],
  Add: ["Addition", "Adds the block's input to the output of its convolutions (a residual block)."],
  Flatten: ["Flatten", "Writes all values of all maps as one list."],
  GlobalAveragePooling2D: [
    "Average of each map",
    "Reduces each map to its average: how strongly the patch as a whole matches it.",
  ],
  Dense: ["Dense", "Each number is a weighted sum of all input numbers."],
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
