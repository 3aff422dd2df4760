// The slide viewer: takes the data, keeps what the visitor chose, and paints.
// Streamlit calls the default export again on new data or a new theme, so everything lives on
// `parentElement`; camera, layer and sliders stay. The other slide_*.js files come before this one
// in the same scope: board (a threshold that others move), frames (answers that change with time),
// camera (where it looks), layers (what is painted), legend (what is said), parts (what is on the
// page), input (mouse, fingers, keys), saving (the view as PNG).

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
  const given = String([...new Set(data.thresholds)]);
  if (viewer.given !== given) {
    // Another model brings its own threshold; the same one leaves the slider alone.
    viewer.given = given;
    viewer.threshold = null; // none for all: each has its own
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
  if (viewer.wanted !== data.showing) loadPicture(viewer, data);
  refresh(viewer);
  viewer.stop?.();
  const stops = [];
  if (data.board) {
    stops.push(
      followThreshold(sharedPredictions(data.board), ({ threshold }) =>
        changeSettings(viewer, { threshold }),
      ),
    );
  }
  if (data.film)
    stops.push(followFrames(sharedFrames(data.film), (film) => showFrameValues(viewer, film)));
  if (data.beside) stops.push(linkViewer(viewer, data.beside));
  viewer.root.classList.toggle("small", Boolean(data.beside));
  viewer.stop = () => stops.forEach((stop) => stop());
  return () => viewer.stop();
}

// Another moment of the training: new answers on the same slide.
function showFrameValues(viewer, { frames, at }) {
  const { count, values } = viewer.slide;
  const frame = frames[at];
  const fits = frame?.values.length === count;
  values[0].data = fits ? frame.values : new Float32Array(count).fill(NaN);
  viewer.root.dataset.frame = frame?.name ?? ""; // for whoever tests
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

// A new picture shows the whole slide; the old one stays until the new one can be painted.
function loadPicture(viewer, data) {
  viewer.wanted = data.showing;
  const image = new Image();
  image.src = data.image;
  image.decode().then(() => {
    if (viewer.wanted !== data.showing) return;
    viewer.levels = pictureLevels(image, viewer.slide);
    viewer.shown = data.showing;
    viewer.frame.picture = { width: data.width, height: data.height };
    viewer.camera = viewer.earlier.shown === data.showing ? viewer.earlier.camera : undefined;
    viewer.earlier = {};
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
