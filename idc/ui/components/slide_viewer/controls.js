// The slide viewer's controls: layer, source, outline, threshold and opacity.

import { element } from "../browser/dom.js";
import { LAYERS, thresholdOf } from "./layers.js";
import { formatThreshold } from "./legend.js";
import { schedulePaint } from "./painting.js";
import { chooseLayer, saveSettings } from "./settings.js";

export function buildBar(viewer) {
  viewer.choices = element("div", "choices");
  viewer.choices.setAttribute("role", "radiogroup");
  viewer.choices.setAttribute("aria-label", "Layer");
  viewer.source = element("select", "source");
  viewer.source.setAttribute("aria-label", "Whose answers");
  viewer.source.addEventListener("change", () => {
    changeSettings(viewer, { sourceIndex: Number(viewer.source.value) });
  });
  viewer.outlineBox = element("input");
  viewer.outlineBox.type = "checkbox";
  viewer.outlineBox.addEventListener("change", () => {
    changeSettings(viewer, { showOutline: viewer.outlineBox.checked });
  });
  viewer.outlineField = element("label", "outline", viewer.outlineBox, "Label outline");
  viewer.bar = element("div", "bar", viewer.choices, viewer.source, viewer.outlineField);
}

export function buildSliders(viewer) {
  viewer.sliders = element("div", "sliders");
  for (const [name, title] of Object.entries({ threshold: "Threshold", opacity: "Opacity" })) {
    const input = element("input");
    Object.assign(input, { type: "range", min: 0, max: 1, step: 0.01, name });
    const output = element("output");
    input.addEventListener("input", () => changeSettings(viewer, { [name]: Number(input.value) }));
    const field = element("label", name, element("span", "", title), input, output);
    viewer.sliders.append(field);
    viewer[`${name}Field`] = { field, input, output };
  }
}

export function changeSettings(viewer, change) {
  Object.assign(viewer, change);
  saveSettings(viewer);
  chooseLayer(viewer);
  updateControls(viewer);
  schedulePaint(viewer, false);
}

export function updateControls(viewer) {
  const { slide, choices, layer } = viewer;
  const fitting = Object.keys(LAYERS).filter((name) => LAYERS[name].fits(slide));
  if (choices.dataset.names !== String(fitting)) {
    choices.dataset.names = fitting;
    choices.replaceChildren(...fitting.map((name) => newLayerRadio(viewer, name)));
  }
  for (const input of choices.querySelectorAll("input")) input.checked = input.value === layer;
  const names = slide.values.map(({ name }) => name);
  if (viewer.source.dataset.names !== JSON.stringify(names)) {
    viewer.source.dataset.names = JSON.stringify(names);
    viewer.source.replaceChildren(...names.map((name, i) => new Option(name, i)));
  }
  viewer.source.value = viewer.sourceIndex;
  viewer.source.hidden = names.length < 2 || !["probability", "errors"].includes(layer);
  viewer.outlineBox.checked = viewer.showOutline;
  viewer.outlineField.hidden = !slide.outline;
  viewer.thresholdField.field.hidden = Boolean(slide.predictions_id);
  viewer.sliders.hidden = layer === "tissue";
  viewer.bar.hidden = fitting.length < 2 && !slide.outline;
  choices.hidden = fitting.length < 2;
  updateSlider(viewer.opacityField, [viewer.opacity]);
  const shown = layer === "disagreement" ? [0, 1] : [viewer.sourceIndex];
  updateSlider(
    viewer.thresholdField,
    shown.map((number) => thresholdOf(viewer, number)),
  );
}

// Of two values the slider shows the first; moving it sets one value for both.
function updateSlider({ input, output }, values) {
  input.value = values[0];
  output.textContent = [...new Set(values)].map(formatThreshold).join(" / ");
}

function newLayerRadio(viewer, name) {
  const input = element("input");
  Object.assign(input, { type: "radio", name: `layer-${viewer.memory}`, value: name });
  input.addEventListener("change", () => changeSettings(viewer, { preferredLayer: name }));
  return element("label", "", input, element("span", "", LAYERS[name].title));
}
