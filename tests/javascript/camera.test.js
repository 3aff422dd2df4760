import assert from "node:assert/strict";
import test from "node:test";

import * as camera from "../../idc/ui/components/slide_viewer/camera.js";

const frame = { stage: { width: 400, height: 200 }, picture: { width: 1000, height: 1000 } };

test("the fitted camera shows the whole picture in the middle", () => {
  assert.deepEqual(camera.fittedCamera(frame), { scale: 0.2 * 0.96, x: 500, y: 500 });
});

test("stage and picture coordinates are inverse to each other", () => {
  const view = { scale: 2, x: 300, y: 400 };
  const point = camera.stageToPicture(view, frame, 10, 20);
  assert.deepEqual(point, { x: 205, y: 360 });
  assert.deepEqual(camera.pictureToStage(view, frame, point.x, point.y), { x: 10, y: 20 });
});

test("zooming keeps the point below the pointer", () => {
  const view = { scale: 1, x: 500, y: 500 };
  const before = camera.stageToPicture(view, frame, 50, 150);
  const zoomed = camera.zoomedCamera(view, frame, 2, 50, 150);
  assert.equal(zoomed.scale, 2);
  assert.deepEqual(camera.stageToPicture(zoomed, frame, 50, 150), before);
});

test("zooming out ends at the fitted camera", () => {
  const view = { scale: 0.3, x: 10, y: 990 };
  assert.deepEqual(camera.zoomedCamera(view, frame, 0.01, 0, 0), camera.fittedCamera(frame));
});

test("scale and position are limited", () => {
  const limited = camera.clampedCamera({ scale: 1000, x: -5, y: 2000 }, frame);
  assert.deepEqual(limited, { scale: 16, x: 0, y: 1000 });
});

test("panning moves by stage pixels", () => {
  const view = { scale: 2, x: 500, y: 500 };
  assert.deepEqual(camera.pannedCamera(view, frame, 20, -40), { scale: 2, x: 490, y: 520 });
});

test("a glide interpolates scales geometrically", () => {
  const middle = camera.interpolatedCamera(
    { scale: 1, x: 0, y: 0 },
    { scale: 4, x: 10, y: 20 },
    0.5,
  );
  assert.deepEqual(middle, { scale: 2, x: 5, y: 10 });
});

test("the scale bar is the longest round length that fits", () => {
  assert.deepEqual(camera.scaleBar({ scale: 1 }, 4, 160), { px: 125, text: "0.5 mm" });
});

test("a scale bar at an unknown scale is in px", () => {
  assert.deepEqual(camera.scaleBar({ scale: 2 }, null, 160), { px: 100, text: "50 px" });
});
