// The colours of classes and of probabilities. The class colours are those of `idc.patches`; both
// are held to tests/data/worked_cases.json. Style sheets use --idc-negative and --idc-positive.

export const NEGATIVE_COLOUR = "#0072B2";
export const POSITIVE_COLOUR = "#D55E00";
export const CLASS_COLOURS = [NEGATIVE_COLOUR, POSITIVE_COLOUR]; // index = label

const VIRIDIS_ANCHORS = [
  [68, 1, 84],
  [72, 40, 120],
  [62, 74, 137],
  [49, 104, 142],
  [38, 130, 142],
  [31, 158, 137],
  [53, 183, 121],
  [109, 205, 89],
  [180, 222, 44],
  [253, 231, 37],
];

// CSS colours of the viridis scale, from 0 to 1 in 256 steps.
export const VIRIDIS = Array.from({ length: 256 }, (_, i) => viridis(i / 255));

// A probability in [0, 1] as a CSS colour; values outside are clipped.
export function probabilityColour(probability) {
  return VIRIDIS[Math.round(Math.min(Math.max(probability, 0), 1) * 255)];
}

function viridis(value) {
  const position = value * (VIRIDIS_ANCHORS.length - 1);
  const i = Math.min(Math.floor(position), VIRIDIS_ANCHORS.length - 2);
  const mixed = VIRIDIS_ANCHORS[i].map((low, channel) =>
    Math.round(low + (VIRIDIS_ANCHORS[i + 1][channel] - low) * (position - i)),
  );
  return `rgb(${mixed})`;
}
