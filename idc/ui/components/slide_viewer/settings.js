// What the visitor chose in a slide viewer.

import { LAYERS } from "./layers.js";

// Memory name -> settings. Survives a remount, so that returning to the page restores the view.
const savedSettings = new Map();

export function restoreSettings(viewer, data) {
  if (viewer.memory) return;
  viewer.memory = data.memory;
  // With a shared threshold, errors are what changes.
  const preferredLayer = data.truth ? "truth" : data.predictions_id ? "errors" : null;
  const fresh = { preferredLayer, sourceIndex: 0, opacity: 0.65, showOutline: true };
  const { camera, shown, ...chosen } = savedSettings.get(data.memory) ?? {};
  Object.assign(viewer, fresh, chosen);
  viewer.earlierView = { camera, shown };
}

export function saveSettings(viewer) {
  const {
    preferredLayer,
    sourceIndex,
    givenThresholds,
    threshold,
    opacity,
    showOutline,
    shown,
    camera,
  } = viewer;
  const memory = {
    preferredLayer,
    sourceIndex,
    givenThresholds,
    threshold,
    opacity,
    showOutline,
    shown,
    camera,
  };
  savedSettings.set(viewer.memory, memory);
}

// The preferred layer if the slide has its data, else probability, else tissue.
export function chooseLayer(viewer) {
  const { slide, preferredLayer } = viewer;
  const fallback = LAYERS.probability.fits(slide) ? "probability" : "tissue";
  viewer.layer = preferredLayer && LAYERS[preferredLayer].fits(slide) ? preferredLayer : fallback;
  if (viewer.sourceIndex >= slide.values.length) viewer.sourceIndex = 0;
}
