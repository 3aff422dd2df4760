// The slide viewer's stage: map, buttons, scale bar, overview.

import { element, newCanvas } from "../browser/dom.js";
import { fittedCamera } from "./camera.js";
import { ZOOM_STEP, glideTo, toggleFullScreen, zoomBy } from "./input.js";
import { saveView } from "./saving.js";

export function buildStage(viewer) {
  viewer.map = element("div", "map");
  viewer.map.tabIndex = 0;
  viewer.map.setAttribute("role", "application");
  viewer.map.setAttribute("aria-roledescription", "zoomable slide");
  viewer.readout = element("div", "readout");
  viewer.readout.setAttribute("role", "status"); // a live region
  viewer.pickedFrame = element("div", "frame picked");
  viewer.hoverFrame = element("div", "frame hovered");
  viewer.map.append(
    viewer.tissue.canvas,
    viewer.marks.canvas,
    viewer.hoverFrame,
    viewer.pickedFrame,
  );
  const buttons = element("div", "buttons");
  for (const [symbol, name, act] of [
    ["add", "Zoom in", () => zoomBy(viewer, ZOOM_STEP)],
    ["remove", "Zoom out", () => zoomBy(viewer, 1 / ZOOM_STEP)],
    ["fit_screen", "Fit the whole slide", () => glideTo(viewer, fittedCamera(viewer.frame))],
    ["fullscreen", "Full screen", () => toggleFullScreen(viewer)],
    ["download", "Save this view as PNG", () => saveView(viewer)],
  ]) {
    const button = element("button", symbol, symbol);
    button.type = "button";
    button.title = name;
    button.setAttribute("aria-label", name);
    button.addEventListener("click", act);
    buttons.append(button);
  }
  viewer.scaleText = element("span");
  viewer.scaleLine = element("div", "line");
  viewer.scale = element("div", "scale", viewer.scaleText, viewer.scaleLine);
  viewer.overview = newCanvas(1, 1);
  viewer.overviewFrame = element("div", "seen");
  viewer.inset = element("div", "inset", viewer.overview, viewer.overviewFrame);
  viewer.inset.setAttribute("aria-hidden", "true");
  viewer.stage = element("div", "stage", viewer.map, buttons, viewer.scale, viewer.inset);
}
