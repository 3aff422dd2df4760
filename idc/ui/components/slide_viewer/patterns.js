// Stripes, hatching and outlined strokes on the slide viewer's canvases.

import { newCanvas } from "../browser/dom.js";

export const DARK_COLOUR = "#0b1f24";

const STRIPE_PX = 8;

export function strokeTwice(context, path, colour, unit) {
  context.lineJoin = "miter";
  context.lineCap = "square";
  const lines = [
    [DARK_COLOUR, 4.5],
    [colour, 2.25],
  ];
  for (const [style, width] of lines) {
    context.strokeStyle = style;
    context.lineWidth = width * unit;
    context.stroke(path);
  }
}

// A pattern that moves with the picture and keeps its width at any zoom.
export function anchoredPattern(context, tile, left, top) {
  const pattern = context.createPattern(tile, "repeat");
  pattern.setTransform(new DOMMatrix().translate(left % tile.width, top % tile.height));
  return pattern;
}

export function stripePattern(viewer, colour, falling) {
  return cachedTile(viewer, `${colour} ${falling}`, (context, side) => {
    context.fillStyle = "rgba(255, 255, 255, 0.8)";
    context.fillRect(0, 0, side, side);
    drawDiagonals(context, side, colour, side * 0.42, falling);
  });
}

export function hatchPattern(viewer) {
  const colour = viewer.colours.hatch;
  return cachedTile(viewer, `hatch ${colour}`, (context, side) =>
    drawDiagonals(context, side, colour, Math.max(1, side / 8), false),
  );
}

function cachedTile(viewer, name, draw) {
  const key = `${name} ${viewer.ratio}`;
  if (!viewer.tiles.has(key)) {
    const side = Math.round(STRIPE_PX * viewer.ratio);
    const tile = newCanvas(side, side);
    draw(tile.getContext("2d"), side);
    viewer.tiles.set(key, tile);
  }
  return viewer.tiles.get(key);
}

function drawDiagonals(context, side, colour, width, falling) {
  context.strokeStyle = colour;
  context.lineWidth = width;
  context.beginPath();
  for (const shift of [-side, 0, side]) {
    context.moveTo(shift - 1, falling ? -1 : side + 1);
    context.lineTo(shift + side + 1, falling ? side + 1 : -1);
  }
  context.stroke();
}
