// The slide viewer. Streamlit calls the default export again on new data or a new theme: the state
// is kept on `parentElement`, and camera, layer and sliders stay.

import { element, newCanvas } from "../browser/dom.js";
import { followFrames, sharedFrames } from "../browser/shared_frames.js";
import { followThreshold, sharedPredictions } from "../browser/shared_predictions.js";
import { buildBar, buildSliders, changeSettings, updateControls } from "./controls.js";
import { addInputListeners, hoverCell } from "./input.js";
import { pictureLevels } from "./layers.js";
import { describeCell } from "./legend.js";
import { linkViewer } from "./linked_viewers.js";
import { drawOverview, refresh, resize, schedulePaint } from "./painting.js";
import { buildStage } from "./parts.js";
import { chooseLayer, restoreSettings } from "./settings.js";
import { decodeSlide, indexOfCell } from "./slide_data.js";

export default function ({ data, parentElement, setStateValue }) {
  const viewer =
    parentElement.slideViewer ?? (parentElement.slideViewer = newViewer(parentElement));
  viewer.report = (id) => {
    setStateValue("pick", { showing: data.showing, mark: data.mark.number, id });
  };
  restoreSettings(viewer, data);
  const givenThresholds = String([...new Set(data.thresholds)]);
  if (viewer.givenThresholds !== givenThresholds) {
    // A new model sets its own threshold; the same model keeps the slider's.
    viewer.givenThresholds = givenThresholds;
    viewer.threshold = null; // each source has its own
  }
  viewer.colours = themeColours(viewer.root);
  viewer.slide = decodeSlide(data);
  chooseLayer(viewer);
  updateControls(viewer);
  if (viewer.markNumber !== data.mark.number) {
    viewer.markNumber = data.mark.number;
    viewer.picked = indexOfCell(viewer.slide, data.mark.id);
    viewer.reveal = viewer.picked >= 0;
  }
  if (viewer.requestedPicture !== data.showing) loadPicture(viewer, data);
  refresh(viewer);
  viewer.stop?.();
  const stops = [];
  if (data.predictions_id) {
    stops.push(
      followThreshold(sharedPredictions(data.predictions_id), ({ threshold }) =>
        changeSettings(viewer, { threshold }),
      ),
    );
  }
  if (data.timeline_id)
    stops.push(
      followFrames(sharedFrames(data.timeline_id), (sequence) => showFrameValues(viewer, sequence)),
    );
  if (data.beside) stops.push(linkViewer(viewer, data.beside));
  viewer.root.classList.toggle("small", Boolean(data.beside));
  viewer.stop = () => stops.forEach((stop) => stop());
  return () => viewer.stop();
}

// Another frame of the training: new probabilities on the same slide.
function showFrameValues(viewer, { frames, at }) {
  const { count, values } = viewer.slide;
  const frame = frames[at];
  const fits = frame?.values.length === count;
  values[0].data = fits ? frame.values : new Float32Array(count).fill(NaN);
  viewer.root.dataset.frame = frame?.name ?? ""; // for tests
  if (viewer.hovered >= 0) viewer.readout.textContent = describeCell(viewer.slide, viewer.hovered);
  schedulePaint(viewer, false);
}

function newViewer(parentElement) {
  const viewer = { tiles: new Map(), painted: 0, pointers: new Map(), picked: -1, hovered: -1 };
  viewer.tissue = newCanvas(1, 1).getContext("2d");
  viewer.marks = newCanvas(1, 1).getContext("2d");
  viewer.frame = { stage: { width: 1, height: 1 }, picture: { width: 1, height: 1 } };
  viewer.ratio = 1;
  buildBar(viewer);
  buildStage(viewer);
  buildSliders(viewer);
  viewer.legend = element("ul", "legend");
  viewer.legend.setAttribute("aria-label", "Legend");
  const { bar, stage, readout, sliders, legend } = viewer;
  viewer.root = element("div", "viewer", bar, stage, readout, sliders, legend);
  parentElement.append(viewer.root);
  addInputListeners(viewer);
  new ResizeObserver(() => resize(viewer)).observe(viewer.stage);
  return viewer;
}

// The old picture stays until the new one is decoded, which is then fully visible.
function loadPicture(viewer, data) {
  viewer.requestedPicture = data.showing;
  const image = new Image();
  image.src = data.image;
  image.decode().then(() => {
    if (viewer.requestedPicture !== data.showing) return;
    viewer.levels = pictureLevels(image, viewer.slide);
    viewer.shown = data.showing;
    viewer.frame.picture = { width: data.width, height: data.height };
    viewer.camera =
      viewer.earlierView.shown === data.showing ? viewer.earlierView.camera : undefined;
    viewer.earlierView = {};
    drawOverview(viewer);
    hoverCell(viewer, -1);
    refresh(viewer);
  });
}

function themeColours(root) {
  const style = getComputedStyle(root);
  const colour = (name) => style.getPropertyValue(name).trim();
  return { hatch: colour("--st-border-color"), ground: colour("--st-secondary-background-color") };
}
