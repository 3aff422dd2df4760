// Saves the slide viewer's view as a PNG with scale bar and legend.

import { newCanvas } from "../browser/dom.js";
import { scaleBar } from "./camera.js";
import { legendItems } from "./legend.js";
import { DARK_COLOUR } from "./patterns.js";

export function saveView(viewer) {
  if (!viewer.camera) return;
  const { slide, ratio, frame } = viewer;
  const items = legendItems(viewer);
  const line = 22 * ratio;
  const { width: across, height: down } = viewer.tissue.canvas;
  const saved = newCanvas(across, down + line * (items.length + 1.6));
  const context = saved.getContext("2d");
  context.fillStyle = "#ffffff";
  context.fillRect(0, 0, saved.width, saved.height);
  context.drawImage(viewer.tissue.canvas, 0, 0);
  context.drawImage(viewer.marks.canvas, 0, 0);
  const bar = scaleBar(viewer.camera, slide.mpp_um, Math.min(160, frame.stage.width / 3));
  context.font = `${13 * ratio}px sans-serif`;
  context.textBaseline = "middle";
  let y = down + line;
  context.fillStyle = DARK_COLOUR;
  context.fillRect(12 * ratio, y - ratio, bar.px * ratio, 3 * ratio);
  context.fillText(`${bar.text} · ${slide.title}`, (bar.px + 22) * ratio, y);
  for (const { text, swatch, wide } of items) {
    y += line;
    const width = (wide ? 96 : 28) * ratio;
    if (swatch) {
      const sign = newCanvas(width, 14 * ratio);
      swatch(sign.getContext("2d"), sign.width, sign.height);
      context.drawImage(sign, 12 * ratio, y - 7 * ratio);
    }
    context.fillStyle = DARK_COLOUR;
    context.fillText(text, 12 * ratio + (swatch ? width + 8 * ratio : 0), y);
  }
  saved.toBlob((blob) => {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(blob);
    link.download = `${slide.title.toLowerCase().replaceAll(/[^a-z0-9]+/g, "-")}-${viewer.layer}.png`;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
  });
}
