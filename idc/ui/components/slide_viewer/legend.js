// The slide viewer's legend, on screen and in a saved picture, and the description of a cell.

import { NEGATIVE_COLOUR, VIRIDIS } from "../browser/colours.js";
import { element, newCanvas } from "../browser/dom.js";
import { scoresFromCounts } from "../browser/scores.js";
import {
  CORRECT_OPACITY,
  FIRST_HIGHER,
  OUTCOMES,
  OUTLINE,
  SECOND_HIGHER,
  outcomeAt,
  outcomeName,
  predictionsDiffer,
  thresholdOf,
} from "./layers.js";
import { hatchPattern, stripePattern, strokeTwice } from "./patterns.js";

const LAYER_LEGENDS = {
  tissue: () => [],
  probability: probabilityLegend,
  errors: errorLegend,
  disagreement: disagreementLegend,
  truth: truthLegend,
};

// Items {sign, text, swatch(context, width, height)}: `swatch` paints the sample named `sign`.
export function legendItems(viewer) {
  const { slide, layer } = viewer;
  const items = LAYER_LEGENDS[layer](viewer);
  if (viewer.showOutline && slide.outline) {
    items.push({ sign: "outline", text: `labelled ${slide.class_names[1]}`, swatch: lineSwatch(OUTLINE) });
  }
  if (slide.gapNote) {
    // The picture fills the gaps, so that there is no background colour to explain.
    const swatch = slide.onlyCells ? gapSwatch(viewer) : undefined;
    items.push({ sign: `gap ${slide.hatchGaps}`, text: slide.gapNote, swatch });
  }
  return items;
}

function probabilityLegend(viewer) {
  const { slide } = viewer;
  const values = slide.values[viewer.sourceIndex].data;
  return [
    { sign: "scale", text: `probability of ${slide.target}, 0 to 1`, wide: true, swatch: scaleSwatch },
    {
      sign: "called",
      text: `called ${slide.class_names[1]}, from ${formatThreshold(thresholdOf(viewer, viewer.sourceIndex))} on`,
      swatch: lineSwatch("#ffffff"),
    },
    ...missingAnswersItem(values.filter(Number.isNaN).length),
  ];
}

function errorLegend(viewer) {
  const { slide } = viewer;
  const values = slide.values[viewer.sourceIndex].data;
  const threshold = thresholdOf(viewer, viewer.sourceIndex);
  const counts = [0, 0, 0, 0];
  let without = 0;
  for (let i = 0; i < slide.count; i += 1) {
    const outcome = outcomeAt(slide, values, threshold, i);
    if (outcome < 0) without += 1;
    else counts[outcome] += 1;
  }
  const items = [1, 2, 3, 0].map((outcome) => ({
    sign: outcomeName(slide, outcome),
    text: `${outcomeName(slide, outcome)}: ${counts[outcome].toLocaleString("en")}`,
    swatch: outcomeSwatch(viewer, OUTCOMES[outcome]),
  }));
  const [tn, fp, fn, tp] = counts;
  const { sensitivity, specificity } = scoresFromCounts({ tn, fp, fn, tp });
  items.push({
    sign: "rates",
    text: `sensitivity ${formatRate(sensitivity)}, specificity ${formatRate(specificity)}`,
  });
  return [...items, ...missingAnswersItem(without)];
}

function disagreementLegend(viewer) {
  const { slide } = viewer;
  const [first, second] = slide.values;
  const thresholds = [0, 1].map((number) => thresholdOf(viewer, number));
  const from = thresholds.map((threshold) =>
    thresholds[0] === thresholds[1] ? "" : `, from ${formatThreshold(threshold)} on`,
  );
  const counts = { 1: 0, 0: 0, [-1]: 0, NaN: 0 };
  for (let i = 0; i < slide.count; i += 1) {
    counts[predictionsDiffer(first.data, second.data, thresholds, i)] += 1;
  }
  const only = (name, own, count, colour, falling) => ({
    sign: colour,
    text: `only ${name} calls it ${slide.target}${own}: ${count.toLocaleString("en")}`,
    swatch: stripeSwatch(viewer, colour, falling),
  });
  return [
    only(first.name, from[0], counts[1], FIRST_HIGHER, false),
    only(second.name, from[1], counts[-1], SECOND_HIGHER, true),
    {
      sign: "same",
      text: `same call: ${counts[0].toLocaleString("en")}; tinted towards the higher probability`,
      swatch: (context, width, height) => {
        const tint = context.createLinearGradient(0, 0, width, 0);
        tint.addColorStop(0, FIRST_HIGHER);
        tint.addColorStop(0.5, `${FIRST_HIGHER}00`);
        tint.addColorStop(0.5, `${SECOND_HIGHER}00`);
        tint.addColorStop(1, SECOND_HIGHER);
        context.fillStyle = tint;
        context.fillRect(0, 0, width, height);
      },
    },
    ...missingAnswersItem(counts.NaN),
  ];
}

function truthLegend({ slide }) {
  return [1, 0].map((label) => ({
    sign: `truth ${label}`,
    text: `labelled ${slide.class_names[label]}`,
    swatch: (context, width, height) => {
      context.fillStyle = VIRIDIS[label ? 255 : 0];
      context.fillRect(0, 0, width, height);
    },
  }));
}

function missingAnswersItem(count) {
  return count
    ? [
        {
          sign: "none",
          text: `not coloured: no prediction for ${count.toLocaleString("en")} patches`,
        },
      ]
    : [];
}

// Two decimals, the slider's resolution; three where a model's own threshold needs them.
export function formatThreshold(threshold) {
  const short = threshold.toFixed(2);
  return Number(short) === threshold ? short : threshold.toFixed(3);
}

function formatRate(rate) {
  return Number.isFinite(rate) ? rate.toFixed(2) : "–";
}

function scaleSwatch(context, width, height) {
  for (let x = 0; x < width; x += 1) {
    context.fillStyle = VIRIDIS[Math.floor((x / width) * 256)];
    context.fillRect(x, 0, 1, height);
  }
}

function lineSwatch(colour) {
  return (context, width, height) => {
    const path = new Path2D();
    path.moveTo(0, height / 2);
    path.lineTo(width, height / 2);
    strokeTwice(context, path, colour, height / 9);
  };
}

function outcomeSwatch(viewer, { colour, wrong }) {
  if (wrong) return stripeSwatch(viewer, colour, colour === NEGATIVE_COLOUR);
  return (context, width, height) => {
    context.globalAlpha = CORRECT_OPACITY;
    context.fillStyle = colour;
    context.fillRect(0, 0, width, height);
    context.globalAlpha = 1;
  };
}

function stripeSwatch(viewer, colour, falling) {
  return (context, width, height) => {
    context.fillStyle = context.createPattern(stripePattern(viewer, colour, falling), "repeat");
    context.fillRect(0, 0, width, height);
  };
}

function gapSwatch(viewer) {
  return (context, width, height) => {
    context.fillStyle = viewer.colours.ground;
    context.fillRect(0, 0, width, height);
    if (!viewer.slide.hatchGaps) return;
    context.fillStyle = context.createPattern(hatchPattern(viewer), "repeat");
    context.fillRect(0, 0, width, height);
  };
}

// "case 8863, x 451, y 1451, labelled IDC-negative, probability 0.93"
export function describeCell(slide, i) {
  const [x, y] = slide.places
    ? [slide.places[2 * i], slide.places[2 * i + 1]]
    : [slide.origin[0] + slide.boxes[4 * i], slide.origin[1] + slide.boxes[4 * i + 1]];
  const words = [slide.title, `x ${x}, y ${y}`];
  if (slide.labels[i] >= 0) {
    words.push(`labelled ${slide.class_names[slide.labels[i]]}`);
  }
  for (const { name, data } of slide.values) {
    const whose = slide.values.length > 1 ? ` (${name})` : "";
    words.push(`probability ${Number.isNaN(data[i]) ? "–" : data[i].toFixed(3)}${whose}`);
  }
  return words.join(" · ");
}

// Samples are redrawn when the layer or the theme changes; a moved slider changes texts only.
export function updateLegend(viewer) {
  const { layer, ratio, colours, legend } = viewer;
  const items = legendItems(viewer);
  const signs = JSON.stringify([layer, ratio, colours, items.map(({ sign }) => sign)]);
  if (viewer.signs !== signs) {
    viewer.signs = signs;
    legend.replaceChildren(...items.map((item) => newLegendEntry(viewer, item)));
  }
  items.forEach(({ text }, i) => {
    const words = legend.children[i].lastChild;
    if (words.textContent !== text) words.textContent = text;
  });
}

function newLegendEntry(viewer, { swatch, wide }) {
  const words = element("span");
  if (!swatch) return element("li", "", words);
  const [width, height] = [wide ? 96 : 28, 14];
  const canvas = newCanvas(width * viewer.ratio, height * viewer.ratio);
  canvas.style.width = `${width}px`;
  canvas.style.height = `${height}px`;
  swatch(canvas.getContext("2d"), canvas.width, canvas.height);
  return element("li", "", canvas, words);
}
