// Every layer of a network on one patch: choose a layer, a map in it, a value in the map, and see
// the piece of the patch that the value looked at. Nothing here asks a server.

const SIDE = 50;
const ALL_MAPS_PX = 640; // across, of the picture of all maps
const ROW_OF_NUMBERS = 32;
const NUMBER_PX = 64; // across, at most, of one number in a row
const MOST_SLICES = 64; // of a filter: one for each map below

export default function ({ data, parentElement }) {
  const view = (parentElement.view ??= newView(parentElement));
  const text = `${data.patch}${data.content}`;
  if (view.loaded !== text) {
    view.loaded = text;
    load(view, data);
  }
}

function newView(parentElement) {
  const view = { layer: 0, map: 0, place: [0, 0] };
  view.strip = element("div", "strip");
  view.strip.setAttribute("role", "group");
  view.strip.setAttribute("aria-label", "Layers, from the patch to the answer");
  view.strip.addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    chooseLayer(view, Math.min(view.layers.length - 1, Math.max(0, view.layer + step)));
    view.buttons[view.layer].focus();
  });
  view.title = element("h4", "title");
  view.about = element("p");
  view.facts = element("p", "hint");
  view.maps = newMaps(view);
  view.patch = newPatch(view);
  view.filter = newFilter(view);
  view.answer = element("section", "answer");
  view.said = element("p", "said");
  view.said.setAttribute("role", "status");
  const { allPart, onePart } = view.maps;
  const stage = element("div", "stage", allPart, onePart, view.patch.frame);
  parentElement.append(
    view.strip,
    view.title,
    view.about,
    view.facts,
    view.said,
    stage,
    view.answer,
    view.filter.frame,
  );
  return view;
}

function newMaps(view) {
  const all = { canvas: element("canvas"), frame: element("div", "frame") };
  all.picture = element("div", "picture all", all.canvas, all.frame);
  const pick = (event) => pickInAll(view, event);
  all.picture.addEventListener("pointerdown", pick);
  const one = { canvas: element("canvas"), frame: element("div", "frame") };
  one.picture = element("div", "picture one", one.canvas, one.frame);
  one.picture.tabIndex = 0;
  one.picture.setAttribute("role", "application");
  one.picture.setAttribute("aria-roledescription", "map of values");
  const follow = (event) => {
    const { columns, rows } = gridOf(view.layers[view.layer]);
    choosePlace(view, placeUnder(event, one.picture, columns, rows));
  };
  one.picture.addEventListener("pointerdown", follow);
  one.picture.addEventListener("pointermove", (event) => event.buttons && follow(event));
  one.picture.addEventListener("keydown", (event) => {
    const { columns, rows } = gridOf(view.layers[view.layer]);
    const place = arrowed(event.key, view.place, columns, rows);
    const step = { PageUp: -1, PageDown: 1 }[event.key];
    if (!place && !step) return;
    event.preventDefault();
    if (place) choosePlace(view, place);
    else chooseMap(view, view.map + step);
  });
  const number = element("input");
  Object.assign(number, { type: "number", min: 1 });
  number.addEventListener("input", () => {
    if (Number.isInteger(number.valueAsNumber)) chooseMap(view, number.valueAsNumber - 1);
  });
  const of = element("span");
  const label = element("label", "which", "Map ", number, of);
  const allTitle = element("h4");
  const allPart = element("section", "part", allTitle, all.picture);
  const hint = element("p", "hint");
  const onePart = element("section", "part", label, one.picture, hint);
  return { all, one, number, of, label, allTitle, allPart, onePart, hint };
}

function newPatch() {
  const canvas = element("canvas");
  const frame = element("div", "frame");
  const piece = element("canvas");
  const words = element("p", "hint");
  const picture = element("div", "picture", canvas, frame);
  const large = element("div", "picture piece", piece);
  return {
    canvas,
    box: frame,
    piece,
    large,
    words,
    frame: element(
      "section",
      "patch",
      element("h4", "", "What this value looked at"),
      picture,
      words,
      large,
    ),
  };
}

function newFilter() {
  const title = element("h4");
  const canvas = element("canvas");
  const words = element("p", "hint");
  const picture = element("div", "picture slices", canvas);
  return { title, canvas, words, picture, frame: element("section", "filter", title, picture, words) };
}

function load(view, data) {
  view.rgb = bytesOf(data.patch);
  view.block = bytesOf(data.block);
  view.layers = data.layers;
  view.classes = data.classes;
  view.note = data.note;
  view.layer = Math.min(view.layer, view.layers.length - 1);
  if (view.content !== data.network) {
    view.content = data.network;
    view.layer = Math.max(0, view.layers.findIndex(({ filters }) => filters));
    view.place = [20, 20];
  }
  paint(view.patch.canvas, SIDE, SIDE, (x, y) => pixel(view, x, y));
  showStrip(view);
  chooseLayer(view, view.layer);
}

function pixel({ rgb }, x, y) {
  const at = 3 * (y * SIDE + x);
  return rgb.subarray(at, at + 3);
}

function showStrip(view) {
  view.buttons = view.layers.map((layer, number) => {
    const block = element("span", "block");
    const [height, , maps] = layer.shape.length === 3 ? layer.shape : [layer.shape[0], 1, 1];
    const isMap = layer.shape.length === 3;
    block.style.height = isMap ? `${8 + height}px` : `${Math.min(58, 8 + height / 4)}px`;
    block.style.width = isMap ? `${Math.max(5, Math.sqrt(maps) * 4)}px` : "6px";
    const button = element(
      "button",
      `layer ${layer.kind}`,
      element("span", "room", block),
      element("span", "name", layerTitle(layer)),
      element("span", "shape", shapeWords(layer.shape)),
    );
    button.type = "button";
    button.addEventListener("click", () => chooseLayer(view, number));
    return button;
  });
  const focused = [...view.strip.children].indexOf(view.strip.getRootNode().activeElement);
  view.strip.replaceChildren(...view.buttons);
  view.strip.children[focused]?.focus();
}

function chooseLayer(view, number) {
  view.layer = number;
  const layer = view.layers[number];
  view.buttons.forEach((button, at) => {
    button.setAttribute("aria-pressed", at === number);
    button.tabIndex = at === number ? 0 : -1;
  });
  bringIntoSight(view.strip, view.buttons[number]);
  const [, about] = LAYER_WORDS[layer.kind] ?? [layer.kind, ""];
  view.title.textContent = `Layer ${number + 1} of ${view.layers.length}: ${layerTitle(layer)}`;
  view.about.textContent = about + withRelu(layer);
  const from = layer.inputs.length
    ? layer.inputs.map((input) => shapeWords(view.layers[input].shape)).join(" and ")
    : `${SIDE} × ${SIDE} × 3`;
  view.facts.textContent =
    `${from} → ${shapeWords(layer.shape)}. ` +
    (layer.parameters ? `${whole(layer.parameters)} parameters.` : "No parameters: nothing to learn.");
  const { columns, rows } = gridOf(layer);
  view.place = [Math.min(view.place[0], columns - 1), Math.min(view.place[1], rows - 1)];
  view.lowest = Math.min(...layer.maps.low, 0);
  view.highest = Math.max(...layer.maps.high, 0);
  drawAll(view);
  showAnswer(view);
  chooseMap(view, view.map);
}

function withRelu({ kind, activation }) {
  return activation === "relu" && kind !== "Activation"
    ? " A ReLU follows at once: what is negative becomes 0."
    : activation === "softmax"
      ? " A softmax then turns the two sums into probabilities."
      : "";
}

// Only the strip scrolls; `scrollIntoView` would move the page too.
function bringIntoSight(strip, button) {
  const left = button.offsetLeft - strip.offsetLeft;
  if (left < strip.scrollLeft || left + button.offsetWidth > strip.scrollLeft + strip.clientWidth) {
    strip.scrollLeft = left - strip.clientWidth / 3;
  }
}

// Columns and rows as they are shown: a list of numbers is broken into lines.
function gridOf({ shape }) {
  if (shape.length === 3) return { columns: shape[1], rows: shape[0] };
  const columns = Math.min(shape[0], shape[0] > 1024 ? 128 : ROW_OF_NUMBERS);
  return { columns, rows: Math.ceil(shape[0] / columns) };
}

function countOf({ shape }) {
  return shape.length === 3 ? shape[0] * shape[1] : shape[0];
}

function valueOf(view, layer, map, [x, y]) {
  const at = y * gridOf(layer).columns + x;
  if (at >= countOf(layer)) return null;
  const level = view.block[layer.maps.at + map * countOf(layer) + at] / 255;
  return layer.maps.low[map] + level * (layer.maps.high[map] - layer.maps.low[map]);
}

// One scale for all maps of a layer, so that a map that found nothing stays dark.
function colourOf(view, value) {
  if (value === null) return [128, 132, 140];
  if (view.lowest < 0) {
    return signed(value / Math.max(-view.lowest, view.highest, 1e-9));
  }
  return grey(value / (view.highest || 1));
}

function drawAll(view) {
  const layer = view.layers[view.layer];
  const { columns, rows } = gridOf(layer);
  const sent = layer.maps.low.length;
  const { all, allPart, allTitle } = view.maps;
  allPart.hidden = layer.shape.length !== 3 || sent < 2;
  if (allPart.hidden) return;
  const across = Math.ceil(Math.sqrt(sent * 1.6));
  const [width, height] = [columns + 1, rows + 1]; // with a gap
  view.tiling = { across, width, height, down: Math.ceil(sent / across) };
  const total = layer.shape[2];
  allTitle.textContent =
    sent === total ? `All ${total} maps` : `The first ${sent} of ${whole(total)} maps`;
  paint(all.canvas, across * width - 1, view.tiling.down * height - 1, (x, y) => {
    const map = Math.floor(y / height) * across + Math.floor(x / width);
    const place = [x % width, y % height];
    if (map >= sent || place[0] === columns || place[1] === rows) return [112, 118, 128];
    return colourOf(view, valueOf(view, layer, map, place));
  });
  all.picture.style.maxWidth = `${Math.min(ALL_MAPS_PX, across * width * 6)}px`;
}

function pickInAll(view, event) {
  const { across, width, height, down } = view.tiling;
  const [wide, high] = [across * width - 1, down * height - 1];
  const [x, y] = placeUnder(event, view.maps.all.picture, wide, high);
  const map = Math.floor(y / height) * across + Math.floor(x / width);
  if (map >= view.layers[view.layer].maps.low.length) return;
  const { columns, rows } = gridOf(view.layers[view.layer]);
  view.place = [Math.min(columns - 1, x % width), Math.min(rows - 1, y % height)];
  chooseMap(view, map);
}

function chooseMap(view, number) {
  const layer = view.layers[view.layer];
  const sent = layer.maps.low.length;
  view.map = Math.min(sent - 1, Math.max(0, number));
  const { one, number: input, of, label, hint } = view.maps;
  const { columns, rows } = gridOf(layer);
  paint(one.canvas, columns, rows, (x, y) =>
    colourOf(view, valueOf(view, layer, view.map, [x, y])),
  );
  one.picture.style.aspectRatio = `${columns} / ${rows}`;
  one.picture.style.maxWidth = layer.shape.length === 3 ? "" : `${NUMBER_PX * columns}px`;
  label.hidden = layer.shape.length !== 3;
  input.max = sent;
  if (input.getRootNode().activeElement !== input) input.value = view.map + 1;
  of.textContent = ` of ${sent}`;
  hint.textContent =
    (view.lowest < 0
      ? "Green is positive, brown negative, white 0. "
      : `Black is 0, white ${plainly(view.highest)}, the layer's largest. `) +
    "Click a value, or move with the arrow keys" +
    (sent > 1 ? "; Page Up and Page Down change the map." : ".");
  markInAll(view);
  showFilter(view);
  choosePlace(view, view.place);
}

function markInAll(view) {
  if (view.maps.allPart.hidden) return;
  const { across, width, height, down } = view.tiling;
  const [wide, high] = [across * width - 1, down * height - 1];
  const left = (view.map % across) * width;
  const top = Math.floor(view.map / across) * height;
  const share = (value, of) => `${(100 * value) / of}%`;
  Object.assign(view.maps.all.frame.style, {
    left: share(left, wide),
    top: share(top, high),
    width: share(width - 1, wide),
    height: share(height - 1, high),
  });
}

function choosePlace(view, place) {
  const layer = view.layers[view.layer];
  const { columns, rows } = gridOf(layer);
  if (valueOf(view, layer, view.map, place) === null) return;
  view.place = place;
  Object.assign(view.maps.one.frame.style, {
    left: `${(100 * place[0]) / columns}%`,
    top: `${(100 * place[1]) / rows}%`,
    width: `${100 / columns}%`,
    height: `${100 / rows}%`,
  });
  const value = plainly(valueOf(view, layer, view.map, place));
  const [x, y] = lookedAt(view, layer, place);
  const [width, height] = [x[1] - x[0] + 1, y[1] - y[0] + 1];
  placeFrame(view.patch.box, [x[0], y[0], width, height], SIDE);
  paint(view.patch.piece, width, height, (dx, dy) => pixel(view, x[0] + dx, y[0] + dy));
  view.patch.large.style.aspectRatio = `${width} / ${height}`;
  const everything = width * height === SIDE * SIDE;
  view.patch.words.textContent = everything
    ? "The whole patch: 50 × 50 px."
    : `${width} × ${height} px of the patch, columns ${x[0] + 1} to ${x[1] + 1}, ` +
      `rows ${y[0] + 1} to ${y[1] + 1} (its receptive field). Enlarged below.`;
  view.patch.large.hidden = everything;
  const where =
    layer.shape.length === 3
      ? `Map ${view.map + 1}, column ${place[0] + 1}, row ${place[1] + 1}`
      : layer.sums
        ? `Probability of ${view.classes[place[0]]}`
        : `Number ${whole(place[1] * columns + place[0] + 1)} of ${whole(layer.shape[0])}`;
  view.said.textContent = `${where}: ${value}. It looked at ${width} × ${height} px of the patch.`;
  view.maps.one.picture.setAttribute("aria-label", view.said.textContent);
}

// First and last pixel in x and in y. A flattened number still belongs to its place.
function lookedAt(view, layer, [x, y]) {
  if (layer.shape.length === 3) return [layer.spans[x], layer.spans[y]];
  if (layer.kind !== "Flatten") return [layer.spans[0], layer.spans[0]];
  const below = view.layers[layer.inputs[0]].shape;
  const at = Math.floor((y * gridOf(layer).columns + x) / below[2]);
  return [layer.spans[at % below[1]], layer.spans[Math.floor(at / below[1])]];
}

function showFilter(view) {
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
  const shown = Math.min(channels, MOST_SLICES);
  const across = Math.min(shown, 16);
  const down = Math.ceil(shown / across);
  const [width, height] = [columns + 1, rows + 1];
  paint(view.filter.canvas, across * width - 1, down * height - 1, (x, y) => {
    const channel = Math.floor(y / height) * across + Math.floor(x / width);
    const [dx, dy] = [x % width, y % height];
    if (channel >= shown || dx === columns || dy === rows) return [112, 118, 128];
    return signed(weight(channel, dy * columns + dx) / most);
  });
  view.filter.picture.style.maxWidth = `${Math.min(640, across * width * 16)}px`;
  view.filter.title.textContent = `The filter that made map ${view.map + 1}`;
  const slices =
    channels === 3
      ? "Its three squares are for red, green and blue."
      : `One square for each of the ${channels} maps below` +
        (shown < channels ? `; the first ${shown} are shown.` : ".");
  const bias = filters.bias ? ` Its bias, added to each sum, is ${plainly(filters.bias[view.map])}.` : "";
  view.filter.words.textContent =
    `${rows} × ${columns} × ${channels} = ${whole(size * channels)} learned weights, from ` +
    `${plainly(filters.low[view.map])} to ${plainly(filters.high[view.map])}: green counts for, ` +
    `brown against. ${slices}${bias}`;
}

function showAnswer(view) {
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
    const share_ = powers[at] / all;
    const bar = element("span", `bar ${at ? "positive" : "negative"}`);
    bar.style.width = `${6 * share_}rem`;
    const name = element("th", "", view.classes[at]);
    name.scope = "row";
    table.append(
      element(
        "tr",
        "",
        name,
        element("td", "", plainly(sum)),
        element("td", "", plainly(powers[at])),
        element("td", "", bar, ` ${share(share_)}`),
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
