// Memory name -> what the visitor chose (see `keep`). Outlives a remount, so that leaving the page
// and coming back changes nothing.

import { LAYERS } from "./layers.js";

const savedSettings = new Map();

export function restoreSettings(viewer, data) {
  if (viewer.memory) return;
  viewer.memory = data.memory;
  // A moved threshold changes the errors.
  const wish = data.truth ? "truth" : data.board ? "errors" : null;
  const fresh = { wish, first: 0, opacity: 0.65, showOutline: true };
  const { camera, shown, ...chosen } = savedSettings.get(data.memory) ?? {};
  Object.assign(viewer, fresh, chosen);
  viewer.earlier = { camera, shown };
}

export function saveSettings(viewer) {
  const { wish, first, given, threshold, opacity, showOutline, shown, camera } = viewer;
  const memory = { wish, first, given, threshold, opacity, showOutline, shown, camera };
  savedSettings.set(viewer.memory, memory);
}

// The wished layer where it fits; without a wish the richest that always says something.
export function chooseLayer(viewer) {
  const { slide, wish } = viewer;
  const fallback = LAYERS.probability.fits(slide) ? "probability" : "tissue";
  viewer.layer = wish && LAYERS[wish].fits(slide) ? wish : fallback;
  if (viewer.first >= slide.values.length) viewer.first = 0;
}
