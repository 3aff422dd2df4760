// Mouse, touch and keyboard input of the slide viewer.

import {
  clampedCamera,
  fittedCamera,
  interpolatedCamera,
  pannedCamera,
  stageToPicture,
  zoomedCamera,
} from "./camera.js";
import { describeCell } from "./legend.js";
import { linkedViewers } from "./linked_viewers.js";
import { positionCellFrame, schedulePaint } from "./painting.js";
import { saveSettings } from "./settings.js";

export const ZOOM_STEP = 1.6;
const CLICK_SLACK_PX = 4;
const GLIDE_MS = 180;

function moveCamera(viewer, camera) {
  for (const one of [viewer, ...linkedViewers(viewer)]) {
    one.camera = camera;
    saveSettings(one);
    schedulePaint(one, true);
  }
}

export function zoomBy(
  viewer,
  factor,
  x = viewer.frame.stage.width / 2,
  y = viewer.frame.stage.height / 2,
) {
  glideTo(viewer, zoomedCamera(viewer.camera, viewer.frame, factor, x, y));
}

export function glideTo(viewer, target) {
  if (matchMedia("(prefers-reduced-motion: reduce)").matches) return moveCamera(viewer, target);
  const start = viewer.camera;
  const began = performance.now();
  const gliding = (viewer.gliding = {});
  const step = () => {
    if (viewer.gliding !== gliding) return;
    const share = Math.min(1, (performance.now() - began) / GLIDE_MS);
    moveCamera(
      viewer,
      share < 1 ? interpolatedCamera(start, target, 1 - (1 - share) ** 3) : target,
    );
    if (share < 1) requestAnimationFrame(step);
  };
  step();
}

export function addInputListeners(viewer) {
  const { map, pointers } = viewer;
  map.addEventListener("wheel", (event) => onWheel(viewer, event), { passive: false });
  map.addEventListener("pointerdown", (event) => {
    if (event.button > 0 || !viewer.camera) return;
    viewer.gliding = null;
    map.setPointerCapture(event.pointerId);
    pointers.set(event.pointerId, {
      ...stagePoint(viewer, event),
      start: stagePoint(viewer, event),
    });
    viewer.dragged = pointers.size > 1;
  });
  map.addEventListener("pointermove", (event) => onMove(viewer, event));
  map.addEventListener("pointerup", (event) => {
    const known = pointers.delete(event.pointerId);
    map.classList.remove("dragging");
    if (known && pointers.size === 0 && !viewer.dragged)
      pickCell(viewer, cellAt(viewer, stagePoint(viewer, event)));
  });
  map.addEventListener("pointercancel", (event) => {
    pointers.delete(event.pointerId);
    map.classList.remove("dragging");
  });
  map.addEventListener("pointerleave", () => hoverCell(viewer, -1));
  map.addEventListener("dblclick", (event) => {
    const { x, y } = stagePoint(viewer, event);
    zoomBy(viewer, event.shiftKey ? 0.5 : 2, x, y);
  });
  map.addEventListener("keydown", (event) => onKey(viewer, event));
  map.addEventListener("blur", () => hoverCell(viewer, -1));
}

function onWheel(viewer, event) {
  if (!viewer.camera) return;
  const lines = event.deltaMode === 1 ? 16 : 1;
  // A touchpad pinch arrives as a wheel event with Ctrl and much smaller steps.
  const factor = Math.exp(-event.deltaY * lines * (event.ctrlKey ? 0.01 : 0.0016));
  const { x, y } = stagePoint(viewer, event);
  const next = zoomedCamera(viewer.camera, viewer.frame, factor, x, y);
  // Fully zoomed out: let the page scroll.
  if (next.scale === viewer.camera.scale && factor < 1 && !event.ctrlKey) return;
  event.preventDefault();
  viewer.gliding = null;
  moveCamera(viewer, next);
}

function onMove(viewer, event) {
  const { pointers } = viewer;
  const at = stagePoint(viewer, event);
  const pointer = pointers.get(event.pointerId);
  if (!pointer) {
    if (event.pointerType === "mouse" && viewer.camera) hoverCell(viewer, cellAt(viewer, at));
    return;
  }
  if (Math.hypot(at.x - pointer.start.x, at.y - pointer.start.y) > CLICK_SLACK_PX)
    viewer.dragged = true;
  if (!viewer.dragged) return;
  viewer.map.classList.add("dragging");
  const others = [...pointers].filter(([id]) => id !== event.pointerId);
  if (others.length === 0) {
    moveCamera(
      viewer,
      pannedCamera(viewer.camera, viewer.frame, at.x - pointer.x, at.y - pointer.y),
    );
  } else {
    const [, other] = others[0];
    const apart = (from) => Math.max(1, Math.hypot(from.x - other.x, from.y - other.y));
    const middle = (from) => ({ x: (from.x + other.x) / 2, y: (from.y + other.y) / 2 });
    const [before, after] = [middle(pointer), middle(at)];
    const shifted = pannedCamera(
      viewer.camera,
      viewer.frame,
      after.x - before.x,
      after.y - before.y,
    );
    moveCamera(
      viewer,
      zoomedCamera(shifted, viewer.frame, apart(at) / apart(pointer), after.x, after.y),
    );
  }
  pointers.set(event.pointerId, { ...pointer, ...at });
}

function onKey(viewer, event) {
  if (event.ctrlKey || event.metaKey || event.altKey || !viewer.camera) return;
  const steps = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
  const acts = {
    "+": () => zoomBy(viewer, ZOOM_STEP),
    "=": () => zoomBy(viewer, ZOOM_STEP),
    "-": () => zoomBy(viewer, 1 / ZOOM_STEP),
    _: () => zoomBy(viewer, 1 / ZOOM_STEP),
    0: () => glideTo(viewer, fittedCamera(viewer.frame)),
    Enter: () => pickCell(viewer, viewer.hovered),
    " ": () => pickCell(viewer, viewer.hovered),
    f: () => toggleFullScreen(viewer),
  };
  const step = steps[event.key];
  const act = step ? () => stepCells(viewer, ...step, event.shiftKey ? 5 : 1) : acts[event.key];
  if (!act) return;
  event.preventDefault();
  viewer.gliding = null;
  act();
}

// Moves the slide by whole cells and shows the values of the cell in the middle.
function stepCells(viewer, dx, dy, cells) {
  const side = viewer.slide.cell_px;
  const snapped = (value, by) => (Math.floor(value / side) + 0.5 + by * cells) * side;
  const camera = {
    ...viewer.camera,
    x: snapped(viewer.camera.x, dx),
    y: snapped(viewer.camera.y, dy),
  };
  moveCamera(viewer, clampedCamera(camera, viewer.frame));
  const { stage } = viewer.frame;
  hoverCell(viewer, cellAt(viewer, { x: stage.width / 2, y: stage.height / 2 }), "No patch here");
}

function cellAt(viewer, { x: stageX, y: stageY }) {
  const { boxes, count } = viewer.slide;
  const { x, y } = stageToPicture(viewer.camera, viewer.frame, stageX, stageY);
  for (let i = 0; i < count; i += 1) {
    const [left, top] = [boxes[4 * i], boxes[4 * i + 1]];
    if (x >= left && y >= top && x < left + boxes[4 * i + 2] && y < top + boxes[4 * i + 3])
      return i;
  }
  return -1;
}

export function hoverCell(viewer, i, nothing = "") {
  for (const one of [viewer, ...linkedViewers(viewer)]) {
    one.hovered = i;
    if (one.camera) positionCellFrame(one, one.hoverFrame, i);
  }
  viewer.readout.textContent = i >= 0 ? describeCell(viewer.slide, i) : nothing;
}

function pickCell(viewer, i) {
  if (i < 0) return;
  hoverCell(viewer, i);
  if (i === viewer.picked) return;
  viewer.picked = i;
  positionCellFrame(viewer, viewer.pickedFrame, i);
  viewer.report(viewer.slide.ids[i]);
}

function stagePoint(viewer, event) {
  const { left, top } = viewer.map.getBoundingClientRect();
  return { x: event.clientX - left, y: event.clientY - top };
}

export function toggleFullScreen(viewer) {
  if (document.fullscreenElement) document.exitFullscreen();
  else viewer.root.requestFullscreen?.();
}
