// The slide viewer: takes the data, keeps what the visitor chose, and paints.
// Streamlit calls the default export again on new data or a new theme, so everything lives on
// `parentElement`; camera, layer and sliders stay. The other slide_*.js files come before this one
// in the same scope: board (a threshold that others move), frames (answers that change with time),
// camera (where it looks), layers (what is painted), legend (what is said), parts (what is on the
// page), input (mouse, fingers, keys), saving (the view as PNG).

// Memory name -> what the visitor chose (see `keep`). Outlives a remount, so that leaving the page
// and coming back changes nothing.
const memories = new Map();

// Name -> viewers that lie beside each other, show the same picture and move together.
const groups = (globalThis.idcSlidesBeside ??= new Map());

const KEYS =
  "Arrow keys move from patch to patch, plus and minus zoom, 0 shows all, Enter opens a patch.";

export default function ({ data, parentElement, setStateValue }) {
  const viewer =
    parentElement.slideViewer ?? (parentElement.slideViewer = newViewer(parentElement));
  viewer.report = (id) => {
    setStateValue("pick", { showing: data.showing, mark: data.mark.number, id });
  };
  recall(viewer, data);
  const given = String([...new Set(data.thresholds)]);
  if (viewer.given !== given) {
    // Another model brings its own threshold; the same one leaves the slider alone.
    viewer.given = given;
    viewer.threshold = null; // none for all: each has its own
  }
  viewer.colours = themeColours(viewer.root);
  viewer.slide = readSlide(data);
  chooseLayer(viewer);
  showControls(viewer);
  if (viewer.markNumber !== data.mark.number) {
    viewer.markNumber = data.mark.number;
    viewer.picked = indexOf(viewer.slide, data.mark.id);
    viewer.reveal = viewer.picked >= 0;
  }
  if (viewer.wanted !== data.showing) takePicture(viewer, data);
  refresh(viewer);
  viewer.stop?.();
  const stops = [];
  if (data.board) {
    stops.push(follow(boardOf(data.board), ({ threshold }) => remember(viewer, { threshold })));
  }
  if (data.film) stops.push(followFilm(filmOf(data.film), (film) => takeFrame(viewer, film)));
  if (data.beside) stops.push(standBeside(viewer, data.beside));
  viewer.root.classList.toggle("small", Boolean(data.beside));
  viewer.stop = () => stops.forEach((stop) => stop());
  return () => viewer.stop();
}

// Another moment of the training: new answers on the same slide.
function takeFrame(viewer, { frames, at }) {
  const { count, values } = viewer.slide;
  const frame = frames[at];
  const fits = frame?.values.length === count;
  values[0].data = fits ? frame.values : new Float32Array(count).fill(NaN);
  viewer.root.dataset.frame = frame?.name ?? ""; // for whoever tests
  if (viewer.hovered >= 0) viewer.readout.textContent = cellWords(viewer.slide, viewer.hovered);
  paint(viewer, false);
}

function standBeside(viewer, name) {
  if (!groups.has(name)) groups.set(name, new Set());
  groups.get(name).add(viewer);
  return () => groups.get(name).delete(viewer);
}

// Beside another one, and not in full screen.
function isSmall(viewer) {
  return Boolean(viewer.slide.beside) && !viewer.root.matches(":fullscreen");
}

function* besides(viewer) {
  for (const other of groups.get(viewer.slide.beside) ?? []) {
    if (other !== viewer && other.shown === viewer.shown) yield other;
  }
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
  viewer.root = element("div", "viewer", "", bar, stage, readout, sliders, legend);
  parentElement.append(viewer.root);
  listen(viewer);
  new ResizeObserver(() => resize(viewer)).observe(viewer.stage);
  return viewer;
}

// Data

function readSlide(data) {
  const boxes = unpacked(data.boxes, Uint16Array);
  const count = boxes.length / 4;
  const labels = unpacked(data.labels, Int8Array);
  return {
    ...data,
    count,
    boxes,
    labels,
    ids: unpacked(data.ids, Int32Array),
    places: data.places && unpacked(data.places, Int32Array),
    values: data.values.map(({ name, data: packed, threshold }) => ({
      name,
      threshold,
      data: unpacked(packed, Float32Array),
    })),
    neighbours: neighboursOf(boxes, count),
    labelled: labels.some((label) => label >= 0),
    outline: data.outlines.length ? ringsPath(data.outlines) : null,
    cell_px: boxes.reduce((most, side, i) => (i % 4 === 2 ? Math.max(most, side) : most), 1),
    gapNote: data.gap_note,
    hatchGaps: data.hatch_gaps,
    onlyCells: data.only_cells,
  };
}

function unpacked(base64, Kind) {
  return new Kind(Uint8Array.from(atob(base64), (sign) => sign.charCodeAt(0)).buffer);
}

function ringsPath(rings) {
  const path = new Path2D();
  for (const ring of rings) {
    path.moveTo(ring[0], ring[1]);
    for (let i = 2; i < ring.length; i += 2) path.lineTo(ring[i], ring[i + 1]);
    path.closePath();
  }
  return path;
}

function recall(viewer, data) {
  if (viewer.memory) return;
  viewer.memory = data.memory;
  // A moved threshold changes the errors.
  const wish = data.truth ? "truth" : data.board ? "errors" : null;
  const fresh = { wish, first: 0, opacity: 0.65, showOutline: true };
  const { camera, shown, ...chosen } = memories.get(data.memory) ?? {};
  Object.assign(viewer, fresh, chosen);
  viewer.earlier = { camera, shown };
}

function remember(viewer, change) {
  Object.assign(viewer, change);
  keep(viewer);
  chooseLayer(viewer);
  showControls(viewer);
  paint(viewer, false);
}

function keep(viewer) {
  const { wish, first, given, threshold, opacity, showOutline, shown, camera } = viewer;
  const memory = { wish, first, given, threshold, opacity, showOutline, shown, camera };
  memories.set(viewer.memory, memory);
}

// The wished layer where it fits; without a wish the richest that always says something.
function chooseLayer(viewer) {
  const { slide, wish } = viewer;
  const fallback = LAYERS.probability.fits(slide) ? "probability" : "tissue";
  viewer.layer = wish && LAYERS[wish].fits(slide) ? wish : fallback;
  if (viewer.first >= slide.values.length) viewer.first = 0;
}

// A new picture shows the whole slide; the old one stays until the new one can be painted.
function takePicture(viewer, data) {
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
    hover(viewer, -1);
    refresh(viewer);
  });
}

// Painting

function refresh(viewer) {
  if (viewer.shown !== viewer.wanted || viewer.frame.stage.width < 2) return;
  viewer.map.setAttribute("aria-label", `${viewer.slide.title}. ${KEYS}`);
  viewer.camera = viewer.camera ? clamped(viewer.camera, viewer.frame) : fitted(viewer.frame);
  if (viewer.reveal) bringIntoView(viewer);
  paint(viewer, true);
}

// At most once a frame; `moved` when the picture has to be painted anew too.
function paint(viewer, moved) {
  viewer.moved = viewer.moved || moved;
  if (viewer.waiting) return;
  viewer.waiting = true;
  requestAnimationFrame(() => {
    viewer.waiting = false;
    if (!viewer.camera || viewer.shown !== viewer.wanted) return;
    const began = performance.now();
    if (viewer.moved) paintTissue(viewer.tissue, viewer);
    paintMarks(viewer.marks, viewer);
    if (viewer.moved) showPlace(viewer);
    showLegend(viewer);
    viewer.moved = false;
    // For whoever measures: what is on screen, how many frames it took, and the last one's cost.
    viewer.root.dataset.showing = viewer.shown;
    viewer.painted += 1;
    viewer.root.dataset.paintMs = (performance.now() - began).toFixed(1);
    viewer.root.dataset.painted = viewer.painted;
  });
}

function resize(viewer) {
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

function showControls(viewer) {
  const { slide, choices, layer } = viewer;
  const fitting = Object.keys(LAYERS).filter((name) => LAYERS[name].fits(slide));
  if (choices.dataset.names !== String(fitting)) {
    choices.dataset.names = fitting;
    choices.replaceChildren(...fitting.map((name) => newChoice(viewer, name)));
  }
  for (const input of choices.querySelectorAll("input")) input.checked = input.value === layer;
  const names = slide.values.map(({ name }) => name);
  if (viewer.source.dataset.names !== JSON.stringify(names)) {
    viewer.source.dataset.names = JSON.stringify(names);
    viewer.source.replaceChildren(...names.map((name, i) => new Option(name, i)));
  }
  viewer.source.value = viewer.first;
  viewer.source.hidden = names.length < 2 || !["probability", "errors"].includes(layer);
  viewer.outlineBox.checked = viewer.showOutline;
  viewer.outlineField.hidden = !slide.outline;
  viewer.thresholdField.field.hidden = Boolean(slide.board);
  viewer.sliders.hidden = layer === "tissue";
  viewer.bar.hidden = fitting.length < 2 && !slide.outline;
  choices.hidden = fitting.length < 2;
  showSlider(viewer.opacityField, [viewer.opacity]);
  const shown = layer === "disagreement" ? [0, 1] : [viewer.first];
  showSlider(
    viewer.thresholdField,
    shown.map((number) => thresholdOf(viewer, number)),
  );
}

// Of two values the slider stands at the first; moved, it sets one for both.
function showSlider({ input, output }, values) {
  input.value = values[0];
  output.textContent = [...new Set(values)].map(thresholdWords).join(" / ");
}

function newChoice(viewer, name) {
  const input = element("input");
  Object.assign(input, { type: "radio", name: `layer-${viewer.memory}`, value: name });
  input.addEventListener("change", () => remember(viewer, { wish: name }));
  return element("label", "", "", input, element("span", "", LAYERS[name].title));
}

// Signs are drawn anew when the layer or the theme changes; a moved slider changes words alone.
function showLegend(viewer) {
  const { layer, ratio, colours, legend } = viewer;
  const items = legendItems(viewer);
  const signs = JSON.stringify([layer, ratio, colours, items.map(({ sign }) => sign)]);
  if (viewer.signs !== signs) {
    viewer.signs = signs;
    legend.replaceChildren(...items.map((item) => legendEntry(viewer, item)));
  }
  items.forEach(({ text }, i) => {
    const words = legend.children[i].lastChild;
    if (words.textContent !== text) words.textContent = text;
  });
}

function legendEntry(viewer, { swatch, wide }) {
  const words = element("span");
  if (!swatch) return element("li", "", "", words);
  const [width, height] = [wide ? 96 : 28, 14];
  const canvas = newCanvas(width * viewer.ratio, height * viewer.ratio);
  canvas.style.width = `${width}px`;
  canvas.style.height = `${height}px`;
  swatch(canvas.getContext("2d"), canvas.width, canvas.height);
  return element("li", "", "", canvas, words);
}

// All that lies over the canvases and follows the camera.
function showPlace(viewer) {
  const { camera, frame, slide, map } = viewer;
  const bar = scaleBar(camera, slide.mpp_um, Math.min(160, frame.stage.width / 3));
  viewer.scaleText.textContent = bar.text;
  viewer.scaleLine.style.width = `${bar.px}px`;
  placeFrame(viewer, viewer.pickedFrame, viewer.picked);
  placeFrame(viewer, viewer.hoverFrame, viewer.hovered);
  const zoomed = camera.scale > fitScale(frame) * 1.2;
  // One finger scrolls the page past the whole slide; once zoomed in, it moves the slide.
  map.style.touchAction = zoomed ? "none" : "pan-y";
  viewer.inset.classList.toggle("shown", zoomed);
  const share = viewer.overview.width / frame.picture.width;
  const corner = toPicture(camera, frame, 0, 0);
  const opposite = toPicture(camera, frame, frame.stage.width, frame.stage.height);
  const left = clampTo(corner.x, 0, frame.picture.width) * share;
  const top = clampTo(corner.y, 0, frame.picture.height) * share;
  Object.assign(viewer.overviewFrame.style, {
    left: `${left}px`,
    top: `${top}px`,
    width: `${clampTo(opposite.x, 0, frame.picture.width) * share - left}px`,
    height: `${clampTo(opposite.y, 0, frame.picture.height) * share - top}px`,
  });
}

function drawOverview(viewer) {
  const { width, height } = viewer.frame.picture;
  const source = viewer.levels.at(-1);
  const scale = 132 / Math.max(width, height);
  viewer.overview.width = Math.max(1, Math.round(width * scale));
  viewer.overview.height = Math.max(1, Math.round(height * scale));
  const context = viewer.overview.getContext("2d");
  context.drawImage(source, 0, 0, viewer.overview.width, viewer.overview.height);
}

function placeFrame({ slide, camera, frame }, node, i) {
  node.classList.toggle("shown", i >= 0);
  if (i < 0) return;
  const [x, y, width, height] = slide.boxes.subarray(4 * i, 4 * i + 4);
  const corner = toStage(camera, frame, x, y);
  Object.assign(node.style, {
    transform: `translate(${corner.x}px, ${corner.y}px)`,
    width: `${width * camera.scale}px`,
    height: `${height * camera.scale}px`,
  });
}

function themeColours(root) {
  const style = getComputedStyle(root);
  const colour = (name) => style.getPropertyValue(name).trim();
  return { hatch: colour("--st-border-color"), ground: colour("--st-secondary-background-color") };
}
