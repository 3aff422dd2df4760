// The filter behind a map, and how the last layer's sums become probabilities.

import { element } from "../components/browser/dom.js";
import { formatCount, formatNumber, formatShare } from "../components/browser/numbers.js";
import { divergingColour, paintPixels } from "../components/browser/pixels.js";

const MAX_SLICES = 64; // shown of a filter; one per input map

export function newFilter() {
  const title = element("h4");
  const canvas = element("canvas");
  const words = element("p", "hint");
  const picture = element("div", "picture slices", canvas);
  return {
    title,
    canvas,
    words,
    picture,
    frame: element("section", "filter", title, picture, words),
  };
}

export function showFilter(view) {
  const { filters } = view.layers[view.layer];
  view.filter.frame.hidden = !filters || view.map >= filters.shape[3];
  if (view.filter.frame.hidden) return;
  const [rows, columns, channels] = filters.shape;
  const size = rows * columns;
  const weight = (channel, at) => {
    const level = view.block[filters.at + (view.map * channels + channel) * size + at] / 255;
    return filters.low[view.map] + level * (filters.high[view.map] - filters.low[view.map]);
  };
  const most = Math.max(-filters.low[view.map], filters.high[view.map], 1e-9);
  const shown = Math.min(channels, MAX_SLICES);
  const across = Math.min(shown, 16);
  const down = Math.ceil(shown / across);
  const [width, height] = [columns + 1, rows + 1];
  paintPixels(view.filter.canvas, across * width - 1, down * height - 1, (x, y) => {
    const channel = Math.floor(y / height) * across + Math.floor(x / width);
    const [dx, dy] = [x % width, y % height];
    if (channel >= shown || dx === columns || dy === rows) return [112, 118, 128];
    return divergingColour(weight(channel, dy * columns + dx) / most);
  });
  view.filter.picture.style.maxWidth = `${Math.min(640, across * width * 16)}px`;
  view.filter.title.textContent = `The filter that made map ${view.map + 1}`;
  const slices =
    channels === 3
      ? "Its three squares are for red, green and blue."
      : `One square for each of the ${channels} maps below` +
        (shown < channels ? `; the first ${shown} are shown.` : ".");
  const bias = filters.bias
    ? ` Its bias, added to each sum, is ${formatNumber(filters.bias[view.map])}.`
    : "";
  view.filter.words.textContent =
    `${rows} × ${columns} × ${channels} = ${formatCount(size * channels)} learned weights, from ` +
    `${formatNumber(filters.low[view.map])} to ${formatNumber(filters.high[view.map])}: green counts for, ` +
    `brown against. ${slices}${bias}`;
}

export function showAnswer(view) {
  const layer = view.layers[view.layer];
  view.answer.hidden = !layer.sums;
  if (!layer.sums) return;
  const powers = layer.sums.map(Math.exp);
  const all = powers.reduce((sum, power) => sum + power, 0);
  const table = element("table");
  const power = element("span", "", "Power e", element("sup", "", "z"));
  const heads = ["", "Sum z", power, "Share of both powers: the probability"];
  table.append(
    element(
      "tr",
      "",
      ...heads.map((text, at) => {
        const head = element(at ? "th" : "td", "", text);
        if (at) head.scope = "col";
        return head;
      }),
    ),
  );
  layer.sums.forEach((sum, at) => {
    const probability = powers[at] / all;
    const bar = element("span", `bar ${at ? "positive" : "negative"}`);
    bar.style.width = `${6 * probability}rem`;
    const name = element("th", "", view.classes[at]);
    name.scope = "row";
    table.append(
      element(
        "tr",
        "",
        name,
        element("td", "", formatNumber(sum)),
        element("td", "", formatNumber(powers[at])),
        element("td", "", bar, ` ${formatShare(probability)}`),
      ),
    );
  });
  view.answer.replaceChildren(
    element("h4", "", "Softmax: from two sums to two probabilities"),
    element(
      "p",
      "",
      "Each sum becomes a power of e, so that it is positive; divided by both powers together, the " +
        "two shares add up to 100 %. The larger sum wins, and the further it leads, the surer the answer.",
    ),
    element("div", "scroll", table),
    element("p", "hint", view.note),
  );
}
