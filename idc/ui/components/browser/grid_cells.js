// Cells of a grid that is drawn in one element: which one a pointer or an arrow key selects.

import { clamp } from "./numbers.js";

const ARROW_STEPS = {
  ArrowLeft: [-1, 0],
  ArrowRight: [1, 0],
  ArrowUp: [0, -1],
  ArrowDown: [0, 1],
};

// [dx, dy] of an arrow key; undefined for other keys.
export function arrowStep(key) {
  return ARROW_STEPS[key];
}

// The cell [column, row] below a pointer, clipped to the grid.
export function cellAtPointer(event, node, columns, rows) {
  const box = node.getBoundingClientRect();
  const index = (share, count) => clamp(Math.floor(share * count), 0, count - 1);
  return [
    index((event.clientX - box.left) / box.width, columns),
    index((event.clientY - box.top) / box.height, rows),
  ];
}

// The cell that an arrow key leads to, clipped to the grid; null for other keys.
export function cellAfterKey(key, [column, row], columns, rows) {
  const step = arrowStep(key);
  if (!step) return null;
  return [clamp(column + step[0], 0, columns - 1), clamp(row + step[1], 0, rows - 1)];
}

// Lays `frame` over the box [left, top, width, height] of a picture that is `side` wide and high.
export function positionFrame(frame, [left, top, width, height], side) {
  Object.assign(frame.style, {
    left: `${(100 * left) / side}%`,
    top: `${(100 * top) / side}%`,
    width: `${(100 * width) / side}%`,
    height: `${(100 * height) / side}%`,
  });
}
