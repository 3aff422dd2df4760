// The slide viewer's camera {scale, x, y}: stage px per picture px, and the point of the picture in
// the middle of the stage. Pure functions; `frame` holds the sizes of stage and picture.

import { clamp } from "../browser/numbers.js";

const MAX_SCALE = 16;
const FIT_MARGIN = 0.96;

export function fitScale({ stage, picture }) {
  const fit = Math.min(stage.width / picture.width, stage.height / picture.height);
  return Math.max(fit * FIT_MARGIN, 1e-6);
}

export function fittedCamera(frame) {
  return { scale: fitScale(frame), x: frame.picture.width / 2, y: frame.picture.height / 2 };
}

// Limits the scale to the whole picture and MAX_SCALE, and the position to the picture.
export function clampedCamera(camera, frame) {
  const fit = fitScale(frame);
  return {
    scale: clamp(camera.scale, fit, Math.max(MAX_SCALE, fit)),
    x: clamp(camera.x, 0, frame.picture.width),
    y: clamp(camera.y, 0, frame.picture.height),
  };
}

export function stageToPicture(camera, { stage }, x, y) {
  return {
    x: camera.x + (x - stage.width / 2) / camera.scale,
    y: camera.y + (y - stage.height / 2) / camera.scale,
  };
}

export function pictureToStage(camera, { stage }, x, y) {
  return {
    x: (x - camera.x) * camera.scale + stage.width / 2,
    y: (y - camera.y) * camera.scale + stage.height / 2,
  };
}

// Zooms by `factor`; the point of the picture at (x, y) of the stage stays in place.
export function zoomedCamera(camera, frame, factor, x, y) {
  const point = stageToPicture(camera, frame, x, y);
  const { scale } = clampedCamera({ ...camera, scale: camera.scale * factor }, frame);
  const zoomed = {
    scale,
    x: point.x - (x - frame.stage.width / 2) / scale,
    y: point.y - (y - frame.stage.height / 2) / scale,
  };
  // The whole picture is centred.
  return scale <= fitScale(frame) * 1.001 ? fittedCamera(frame) : clampedCamera(zoomed, frame);
}

export function pannedCamera(camera, frame, dx, dy) {
  const { scale, x, y } = camera;
  return clampedCamera({ scale, x: x - dx / scale, y: y - dy / scale }, frame);
}

export function interpolatedCamera(from, to, share) {
  const mix = (a, b) => a + (b - a) * share;
  // Geometric, so that the zoom speed looks constant.
  const scale = from.scale * Math.pow(to.scale / from.scale, share);
  return { scale, x: mix(from.x, to.x), y: mix(from.y, to.y) };
}

// The longest of 1, 2, 5, 10, ... micrometres that takes at most `mostPx` on the stage.
// At an unknown scale (null) in px of the picture.
export function scaleBar(camera, mppUm, mostPx) {
  if (!mppUm) {
    const bar = scaleBar(camera, 1, mostPx);
    return { px: bar.px, text: `${Math.round((bar.px / camera.scale) * 1000) / 1000} px` };
  }
  const mostUm = (mostPx / camera.scale) * mppUm;
  const power = Math.pow(10, Math.floor(Math.log10(mostUm)));
  const um = [5, 2, 1].find((step) => step * power <= mostUm) * power;
  return { px: (um / mppUm) * camera.scale, text: `${Number((um / 1000).toPrecision(3))} mm` };
}
