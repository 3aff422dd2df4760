// What the slide viewer paints: the picture, and over it one layer on a second canvas, so that a
// threshold change does not repaint the picture.

import {
  NEGATIVE_COLOUR,
  POSITIVE_COLOUR,
  VIRIDIS,
  probabilityColour,
} from "../browser/colours.js";
import { newCanvas } from "../browser/dom.js";
import { clamp } from "../browser/numbers.js";
import { pictureToStage } from "./camera.js";
import { isSmall } from "./linked_viewers.js";
import { anchoredPattern, hatchPattern, stripePattern, strokeTwice } from "./patterns.js";

export const FIRST_HIGHER = "#e69f00";
export const SECOND_HIGHER = "#009e73";
export const OUTLINE = "#00e5ff";
export const CORRECT_OPACITY = 0.45; // of correct answers, relative to errors

// Cells of the confusion matrix by 2 * label + prediction. Hue: the prediction; stripes: an error.
export const OUTCOMES = [
  { name: "Correctly negative (TN)", colour: NEGATIVE_COLOUR, wrong: false },
  { name: "False alarm (FP)", colour: POSITIVE_COLOUR, wrong: true },
  { name: "Missed (FN)", colour: NEGATIVE_COLOUR, wrong: true },
  { name: "Correctly positive (TP)", colour: POSITIVE_COLOUR, wrong: false },
];

export function outcomeName(slide, outcome) {
  return outcome === 2 ? `Missed ${slide.target} (FN)` : OUTCOMES[outcome].name;
}

export const LAYERS = {
  tissue: { title: "Tissue", fits: () => true, paint: () => {} },
  probability: {
    title: "Probability",
    fits: (slide) => slide.values.length > 0,
    paint: paintProbability,
  },
  errors: {
    title: "Errors",
    fits: (slide) => slide.values.length > 0 && slide.labelled,
    paint: paintErrors,
  },
  disagreement: {
    title: "Disagreement",
    fits: (slide) => slide.values.length > 1,
    paint: paintDisagreement,
  },
  truth: {
    title: "Ground truth",
    fits: (slide) => slide.truth && slide.labelled,
    paint: paintTruth,
  },
};

// 2 * label + prediction of a cell; -1 without a prediction or a label.
export function outcomeAt(slide, values, threshold, i) {
  if (slide.labels[i] < 0 || Number.isNaN(values[i])) return -1;
  return 2 * slide.labels[i] + (values[i] >= threshold ? 1 : 0);
}

// 1: only the first predicts IDC; -1: only the second; 0: the same prediction; NaN: a probability
// is missing. `thresholds`: of the first and of the second.
export function predictionsDiffer(first, second, thresholds, i) {
  if (Number.isNaN(first[i]) || Number.isNaN(second[i])) return NaN;
  return (first[i] >= thresholds[0] ? 1 : 0) - (second[i] >= thresholds[1] ? 1 : 0);
}

// The threshold of one source: the one set by the visitor, else its own, else the slide's.
export function thresholdOf({ threshold, slide }, number) {
  return threshold ?? slide.values[number]?.threshold ?? slide.threshold;
}

// The picture at full size, half, a quarter, ...: shrinking the full size in each frame is slow.
export function pictureLevels(image, slide) {
  const whole = newCanvas(slide.width, slide.height);
  const context = whole.getContext("2d");
  if (slide.onlyCells) {
    for (let i = 0; i < slide.count; i += 1) {
      const [x, y, width, height] = slide.boxes.subarray(4 * i, 4 * i + 4);
      context.drawImage(image, x, y, width, height, x, y, width, height);
    }
  } else context.drawImage(image, 0, 0);
  const levels = [whole];
  for (let last = whole; Math.max(last.width, last.height) > 400; last = levels.at(-1)) {
    const half = newCanvas(Math.ceil(last.width / 2), Math.ceil(last.height / 2));
    const halfContext = half.getContext("2d");
    halfContext.imageSmoothingQuality = "medium";
    halfContext.drawImage(last, 0, 0, half.width, half.height);
    levels.push(half);
  }
  return levels;
}

export function paintTissue(context, viewer) {
  const { slide, camera, frame, ratio } = viewer;
  const { width, height } = context.canvas;
  context.clearRect(0, 0, width, height);
  const scale = camera.scale * ratio;
  const corner = pictureToStage(camera, frame, 0, 0);
  const [left, top] = [Math.round(corner.x * ratio), Math.round(corner.y * ratio)];
  if (slide.hatchGaps) {
    context.fillStyle = anchoredPattern(context, hatchPattern(viewer), left, top);
    context.fillRect(left, top, slide.width * scale, slide.height * scale);
  }
  if (!viewer.levels) return;
  const level = clamp(Math.floor(-Math.log2(scale)), 0, viewer.levels.length - 1);
  const source = viewer.levels[level];
  const step = scale * 2 ** level; // canvas px per px of this level
  context.imageSmoothingEnabled = scale < 1; // enlarged pixels stay square
  context.imageSmoothingQuality = "low";
  const x = Math.max(0, Math.floor(-left / step));
  const y = Math.max(0, Math.floor(-top / step));
  const w = Math.min(source.width - x, Math.ceil(width / step) + 2);
  const h = Math.min(source.height - y, Math.ceil(height / step) + 2);
  if (w <= 0 || h <= 0) return;
  context.drawImage(source, x, y, w, h, left + x * step, top + y * step, w * step, h * step);
}

export function paintMarks(context, viewer) {
  const { slide, camera, frame, ratio } = viewer;
  context.setTransform(1, 0, 0, 1, 0, 0);
  context.clearRect(0, 0, context.canvas.width, context.canvas.height);
  const corner = pictureToStage(camera, frame, 0, 0);
  const left = Math.round(corner.x * ratio);
  const top = Math.round(corner.y * ratio);
  const scale = camera.scale * ratio;
  const view = { context, viewer, left, top, scale };
  LAYERS[viewer.layer].paint(view);
  context.globalAlpha = 1;
  if (viewer.showOutline && slide.outline) {
    context.setTransform(scale, 0, 0, scale, left, top);
    strokeTwice(context, slide.outline, OUTLINE, ratio / scale);
    context.setTransform(1, 0, 0, 1, 0, 0);
  }
}

function paintProbability(view) {
  const { context, viewer } = view;
  const values = viewer.slide.values[viewer.sourceIndex].data;
  context.globalAlpha = viewer.opacity;
  eachVisible(view, (i, x, y, width, height) => {
    if (Number.isNaN(values[i])) return;
    context.fillStyle = probabilityColour(values[i]);
    context.fillRect(x, y, width, height);
  });
  context.globalAlpha = 1;
  if (isSmall(viewer)) return; // the border would cover small cells
  strokeTwice(context, positiveBorder(view, values), "#ffffff", viewer.ratio);
}

// Label 0 has the colour of probability 0, label 1 that of probability 1.
function paintTruth(view) {
  const { context, viewer } = view;
  const { labels } = viewer.slide;
  context.globalAlpha = viewer.opacity;
  eachVisible(view, (i, x, y, width, height) => {
    if (labels[i] < 0) return;
    context.fillStyle = VIRIDIS[labels[i] ? 255 : 0];
    context.fillRect(x, y, width, height);
  });
  context.globalAlpha = 1;
}

function paintErrors(view) {
  const { context, viewer } = view;
  const values = viewer.slide.values[viewer.sourceIndex].data;
  const threshold = thresholdOf(viewer, viewer.sourceIndex);
  const fills = OUTCOMES.map((outcome) => outcomeFill(view, outcome));
  eachVisible(view, (i, x, y, width, height) => {
    const outcome = outcomeAt(viewer.slide, values, threshold, i);
    if (outcome < 0) return;
    // Correct answers are paler than errors.
    context.globalAlpha = viewer.opacity * (OUTCOMES[outcome].wrong ? 1 : CORRECT_OPACITY);
    context.fillStyle = fills[outcome];
    context.fillRect(x, y, width, height);
  });
}

function paintDisagreement(view) {
  const { context, viewer } = view;
  const [first, second] = viewer.slide.values.map(({ data }) => data);
  const thresholds = [0, 1].map((number) => thresholdOf(viewer, number));
  const stripes = [FIRST_HIGHER, SECOND_HIGHER].map((colour, side) =>
    anchoredPattern(context, stripePattern(viewer, colour, side === 1), view.left, view.top),
  );
  eachVisible(view, (i, x, y, width, height) => {
    const differ = predictionsDiffer(first, second, thresholds, i);
    if (Number.isNaN(differ)) return;
    const gap = first[i] - second[i];
    const side = gap > 0 ? 0 : 1;
    context.globalAlpha = viewer.opacity * (differ ? 1 : Math.abs(gap));
    context.fillStyle = differ ? stripes[side] : [FIRST_HIGHER, SECOND_HIGHER][side];
    context.fillRect(x, y, width, height);
  });
}

// Calls `paint(index, x, y, width, height)` for each visible cell, in whole canvas px, so that no
// seams appear.
function eachVisible({ context, viewer, left, top, scale }, paint) {
  const { boxes, count } = viewer.slide;
  const { width, height } = context.canvas;
  for (let i = 0; i < count; i += 1) {
    const x = Math.round(left + boxes[4 * i] * scale);
    const y = Math.round(top + boxes[4 * i + 1] * scale);
    if (x >= width || y >= height) continue;
    const right = Math.round(left + (boxes[4 * i] + boxes[4 * i + 2]) * scale);
    const bottom = Math.round(top + (boxes[4 * i + 1] + boxes[4 * i + 3]) * scale);
    if (right <= 0 || bottom <= 0) continue;
    paint(i, x, y, right - x, bottom - y);
  }
}

// The border of the area predicted IDC-positive: cell sides without a positive neighbour.
function positiveBorder(view, values) {
  const { viewer } = view;
  const { neighbours } = viewer.slide;
  const threshold = thresholdOf(viewer, viewer.sourceIndex);
  const called = (i) => i >= 0 && values[i] >= threshold;
  const path = new Path2D();
  eachVisible(view, (i, x, y, width, height) => {
    if (!called(i)) return;
    const sides = [
      [0, 0, width, 0],
      [width, 0, width, height],
      [0, height, width, height],
      [0, 0, 0, height],
    ];
    sides.forEach(([x1, y1, x2, y2], side) => {
      if (called(neighbours[4 * i + side])) return;
      path.moveTo(x + x1, y + y1);
      path.lineTo(x + x2, y + y2);
    });
  });
  return path;
}

function outcomeFill({ context, viewer, left, top }, { colour, wrong }) {
  if (!wrong) return colour;
  return anchoredPattern(
    context,
    stripePattern(viewer, colour, colour === NEGATIVE_COLOUR),
    left,
    top,
  );
}
