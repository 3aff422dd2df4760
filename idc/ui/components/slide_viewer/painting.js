// When and how the slide viewer is painted: canvases, overlays, overview.

import { clamp } from "../browser/numbers.js";
import {
  clampedCamera,
  fitScale,
  fittedCamera,
  pictureToStage,
  scaleBar,
  stageToPicture,
} from "./camera.js";
import { paintMarks, paintTissue } from "./layers.js";
import { updateLegend } from "./legend.js";

const KEYBOARD_HELP =
  "Arrow keys move from patch to patch, plus and minus zoom, 0 shows all, Enter opens a patch.";

export function refresh(viewer) {
  if (viewer.shown !== viewer.requestedPicture || viewer.frame.stage.width < 2) return;
  viewer.map.setAttribute("aria-label", `${viewer.slide.title}. ${KEYBOARD_HELP}`);
  viewer.camera = viewer.camera
    ? clampedCamera(viewer.camera, viewer.frame)
    : fittedCamera(viewer.frame);
  if (viewer.reveal) bringIntoView(viewer);
  schedulePaint(viewer, true);
}

// Paints at most once a frame; `moved`: the picture must be repainted too.
export function schedulePaint(viewer, moved) {
  viewer.moved = viewer.moved || moved;
  if (viewer.waiting) return;
  viewer.waiting = true;
  requestAnimationFrame(() => {
    viewer.waiting = false;
    if (!viewer.camera || viewer.shown !== viewer.requestedPicture) return;
    const began = performance.now();
    if (viewer.moved) paintTissue(viewer.tissue, viewer);
    paintMarks(viewer.marks, viewer);
    if (viewer.moved) updateOverlays(viewer);
    updateLegend(viewer);
    viewer.moved = false;
    // For tests and benches: the picture shown, frames painted, cost of the last one.
    viewer.root.dataset.showing = viewer.shown;
    viewer.painted += 1;
    viewer.root.dataset.paintMs = (performance.now() - began).toFixed(1);
    viewer.root.dataset.painted = viewer.painted;
  });
}

export function resize(viewer) {
  const { width, height } = viewer.map.getBoundingClientRect();
  if (width < 2 || height < 2) return;
  const wasFitted = viewer.camera && viewer.camera.scale <= fitScale(viewer.frame) * 1.001;
  viewer.ratio = Math.min(window.devicePixelRatio || 1, 2);
  viewer.frame.stage = { width, height };
  for (const { canvas } of [viewer.tissue, viewer.marks]) {
    canvas.width = Math.round(width * viewer.ratio);
    canvas.height = Math.round(height * viewer.ratio);
  }
  if (wasFitted) viewer.camera = undefined;
  refresh(viewer);
}

// Elements over the canvases that follow the camera.
function updateOverlays(viewer) {
  const { camera, frame, slide, map } = viewer;
  const bar = scaleBar(camera, slide.mpp_um, Math.min(160, frame.stage.width / 3));
  viewer.scaleText.textContent = bar.text;
  viewer.scaleLine.style.width = `${bar.px}px`;
  positionCellFrame(viewer, viewer.pickedFrame, viewer.picked);
  positionCellFrame(viewer, viewer.hoverFrame, viewer.hovered);
  const zoomed = camera.scale > fitScale(frame) * 1.2;
  // One finger scrolls the page over a fully visible slide and pans a zoomed one.
  map.style.touchAction = zoomed ? "none" : "pan-y";
  viewer.inset.classList.toggle("shown", zoomed);
  const share = viewer.overview.width / frame.picture.width;
  const corner = stageToPicture(camera, frame, 0, 0);
  const opposite = stageToPicture(camera, frame, frame.stage.width, frame.stage.height);
  const left = clamp(corner.x, 0, frame.picture.width) * share;
  const top = clamp(corner.y, 0, frame.picture.height) * share;
  Object.assign(viewer.overviewFrame.style, {
    left: `${left}px`,
    top: `${top}px`,
    width: `${clamp(opposite.x, 0, frame.picture.width) * share - left}px`,
    height: `${clamp(opposite.y, 0, frame.picture.height) * share - top}px`,
  });
}

export function drawOverview(viewer) {
  const { width, height } = viewer.frame.picture;
  const source = viewer.levels.at(-1);
  const scale = 132 / Math.max(width, height);
  viewer.overview.width = Math.max(1, Math.round(width * scale));
  viewer.overview.height = Math.max(1, Math.round(height * scale));
  const context = viewer.overview.getContext("2d");
  context.drawImage(source, 0, 0, viewer.overview.width, viewer.overview.height);
}

export function positionCellFrame({ slide, camera, frame }, node, i) {
  node.classList.toggle("shown", i >= 0);
  if (i < 0) return;
  const [x, y, width, height] = slide.boxes.subarray(4 * i, 4 * i + 4);
  const corner = pictureToStage(camera, frame, x, y);
  Object.assign(node.style, {
    transform: `translate(${corner.x}px, ${corner.y}px)`,
    width: `${width * camera.scale}px`,
    height: `${height * camera.scale}px`,
  });
}

function bringIntoView(viewer) {
  viewer.reveal = false;
  const [x, y, width, height] = viewer.slide.boxes.subarray(
    4 * viewer.picked,
    4 * viewer.picked + 4,
  );
  const at = pictureToStage(viewer.camera, viewer.frame, x + width / 2, y + height / 2);
  const { stage } = viewer.frame;
  const inside = at.x > 0 && at.y > 0 && at.x < stage.width && at.y < stage.height;
  if (!inside) viewer.camera = { ...viewer.camera, x: x + width / 2, y: y + height / 2 };
}
