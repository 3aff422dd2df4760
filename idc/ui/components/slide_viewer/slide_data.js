// The slide as Python sends it, decoded.

import { decodeArray } from "../browser/base64.js";

export function decodeSlide(data) {
  const boxes = decodeArray(data.boxes, Uint16Array);
  const count = boxes.length / 4;
  const labels = decodeArray(data.labels, Int8Array);
  return {
    ...data,
    count,
    boxes,
    labels,
    ids: decodeArray(data.ids, Int32Array),
    places: data.places && decodeArray(data.places, Int32Array),
    values: data.values.map(({ name, data: packed, threshold }) => ({
      name,
      threshold,
      data: decodeArray(packed, Float32Array),
    })),
    neighbours: cellNeighbours(boxes, count),
    labelled: labels.some((label) => label >= 0),
    outline: data.outlines.length ? outlinePath(data.outlines) : null,
    cell_px: boxes.reduce((most, side, i) => (i % 4 === 2 ? Math.max(most, side) : most), 1),
    gapNote: data.gap_note,
    hatchGaps: data.hatch_gaps,
    onlyCells: data.only_cells,
  };
}

function outlinePath(rings) {
  const path = new Path2D();
  for (const ring of rings) {
    path.moveTo(ring[0], ring[1]);
    for (let i = 2; i < ring.length; i += 2) path.lineTo(ring[i], ring[i + 1]);
    path.closePath();
  }
  return path;
}

// Indices of the cells above, right, below and left of each cell; -1 where there is none.
function cellNeighbours(boxes, count) {
  const at = new Map();
  for (let i = 0; i < count; i += 1) at.set(`${boxes[4 * i]},${boxes[4 * i + 1]}`, i);
  const found = new Int32Array(4 * count).fill(-1);
  for (let i = 0; i < count; i += 1) {
    const [x, y, width, height] = boxes.subarray(4 * i, 4 * i + 4);
    const right = at.get(`${x + width},${y}`);
    const below = at.get(`${x},${y + height}`);
    if (right !== undefined) [found[4 * i + 1], found[4 * right + 3]] = [right, i];
    if (below !== undefined) [found[4 * i + 2], found[4 * below]] = [below, i];
  }
  return found;
}

export function indexOfCell(slide, id) {
  return id === null ? -1 : slide.ids.indexOf(id);
}
