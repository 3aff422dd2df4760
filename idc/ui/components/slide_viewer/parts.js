// The slide viewer's parts on the page: layers, map, buttons, sliders.

function buildBar(viewer) {
  viewer.choices = element("div", "choices");
  viewer.choices.setAttribute("role", "radiogroup");
  viewer.choices.setAttribute("aria-label", "Layer");
  viewer.source = element("select", "source");
  viewer.source.setAttribute("aria-label", "Whose answers");
  viewer.source.addEventListener("change", () => {
    remember(viewer, { first: Number(viewer.source.value) });
  });
  viewer.outlineBox = element("input");
  viewer.outlineBox.type = "checkbox";
  viewer.outlineBox.addEventListener("change", () => {
    remember(viewer, { showOutline: viewer.outlineBox.checked });
  });
  viewer.outlineField = element("label", "outline", "", viewer.outlineBox, "Label outline");
  viewer.bar = element("div", "bar", "", viewer.choices, viewer.source, viewer.outlineField);
}

function buildStage(viewer) {
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
    ["fit_screen", "Fit the whole slide", () => glide(viewer, fitted(viewer.frame))],
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
  viewer.scale = element("div", "scale", "", viewer.scaleText, viewer.scaleLine);
  viewer.overview = newCanvas(1, 1);
  viewer.overviewFrame = element("div", "seen");
  viewer.inset = element("div", "inset", "", viewer.overview, viewer.overviewFrame);
  viewer.inset.setAttribute("aria-hidden", "true");
  viewer.stage = element("div", "stage", "", viewer.map, buttons, viewer.scale, viewer.inset);
}

function buildSliders(viewer) {
  viewer.sliders = element("div", "sliders");
  for (const [name, title] of Object.entries({ threshold: "Threshold", opacity: "Opacity" })) {
    const input = element("input");
    Object.assign(input, { type: "range", min: 0, max: 1, step: 0.01, name });
    const output = element("output");
    input.addEventListener("input", () => remember(viewer, { [name]: Number(input.value) }));
    const field = element("label", name, "", element("span", "", title), input, output);
    viewer.sliders.append(field);
    viewer[`${name}Field`] = { field, input, output };
  }
}

function toggleFullScreen(viewer) {
  if (document.fullscreenElement) document.exitFullscreen();
  else viewer.root.requestFullscreen?.();
}

function element(tag, className = "", text = "", ...children) {
  const node = document.createElement(tag);
  node.className = className;
  if (text) node.textContent = text;
  node.append(...children);
  return node;
}
