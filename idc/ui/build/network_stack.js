// The layers of a network as blocks and as a table. All heights share one scale, and all widths
// another.

import { element } from "../components/browser/dom.js";
import { positionFrame } from "../components/browser/grid_cells.js";
import { LAYER_DESCRIPTIONS, formatShape } from "../components/browser/layer_descriptions.js";
import { formatCount } from "../components/browser/numbers.js";

const BLOCK_HEIGHT_PX = 130;
const BLOCK_MARGIN_PX = 10; // on both sides of a block together

export default function ({ data, parentElement }) {
  const stack = (parentElement.stack ??= newStack(parentElement));
  const text = JSON.stringify(data);
  if (stack.loaded === text) return;
  stack.loaded = text;
  stack.layers = data.layers;
  stack.side = data.side;
  stack.chosen = Math.min(stack.chosen, data.layers.length - 1);
  update(stack);
}

function newStack(parentElement) {
  const stack = { chosen: 1 };
  stack.blocks = element("div", "blocks");
  stack.blocks.setAttribute("role", "group");
  stack.blocks.setAttribute("aria-label", "Layers, from the patch to the answer");
  stack.blocks.addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step || !stack.layers[stack.chosen + step]) return;
    event.preventDefault();
    chooseBlock(stack, stack.chosen + step);
    stack.buttons[stack.chosen].focus();
  });
  stack.title = element("h4");
  stack.about = element("p");
  stack.field = element("div", "frame");
  stack.fieldWords = element("p", "hint");
  stack.body = element("tbody");
  const heads = ["Layer", "Shape", "Parameters", "Multiply-adds", "Receptive field (px)"].map(
    (text) => {
      const head = element("th", "", text);
      head.scope = "col";
      return head;
    },
  );
  const table = element("table", "", element("thead", "", element("tr", "", ...heads)), stack.body);
  parentElement.append(
    stack.blocks,
    element(
      "p",
      "hint",
      "Height: side of the maps. Width: how many maps, or numbers. To scale, except rows of many numbers. Select a block by mouse or arrow keys.",
    ),
    element(
      "div",
      "chosen",
      element("div", "picture sight", stack.field),
      element("div", "words", stack.title, stack.about, stack.fieldWords),
    ),
    newScrollRegion(table),
  );
  return stack;
}

function newScrollRegion(table) {
  const frame = element("div", "scroll", table);
  frame.tabIndex = 0;
  frame.setAttribute("role", "region");
  frame.setAttribute("aria-label", "All layers");
  return frame;
}

function update(stack) {
  const maps = ({ shape }) => shape[shape.length - 1];
  const isMap = ({ shape }) => shape.length === 3;
  const all = stack.layers.filter(isMap).reduce((sum, layer) => sum + maps(layer), 0);
  const room = `(100cqi - ${BLOCK_MARGIN_PX * stack.layers.length + 40}px)`;
  stack.buttons = stack.layers.map((layer, number) => {
    const block = element("span", "block");
    block.style.height = isMap(layer)
      ? `${Math.max(3, (BLOCK_HEIGHT_PX * layer.shape[0]) / stack.side)}px`
      : "3px";
    // Keeps a long row of numbers from taking the whole width.
    const share = Math.min(0.25, maps(layer) / all);
    block.style.width = `max(2px, calc(${room} * ${share}))`;
    const button = element("button", `layer ${layer.kind}`, block);
    button.type = "button";
    button.setAttribute("aria-label", `${blockTitle(layer)}, ${formatShape(layer.shape)}`);
    button.title = `${blockTitle(layer)}: ${formatShape(layer.shape)}`;
    button.addEventListener("click", () => chooseBlock(stack, number));
    return button;
  });
  const focused = [...stack.blocks.children].indexOf(stack.blocks.getRootNode().activeElement);
  stack.blocks.replaceChildren(...stack.buttons);
  stack.rows = stack.layers.map((layer) => {
    const name = element("th", "", blockTitle(layer));
    name.scope = "row";
    const cells = [
      formatShape(layer.shape),
      layer.parameters ? formatCount(layer.parameters) : "–",
      layer.multiply_adds ? formatCount(layer.multiply_adds) : "–",
      formatField(layer, stack.side).replace(" px", ""),
    ];
    return element("tr", "", name, ...cells.map((text) => element("td", "", text)));
  });
  stack.body.replaceChildren(...stack.rows);
  chooseBlock(stack, stack.chosen);
  stack.blocks.children[focused]?.focus();
}

function chooseBlock(stack, number) {
  stack.chosen = number;
  const layer = stack.layers[number];
  stack.buttons.forEach((button, at) => {
    button.setAttribute("aria-pressed", at === number);
    button.tabIndex = at === number ? 0 : -1;
  });
  stack.rows.forEach((row, at) => row.classList.toggle("now", at === number));
  const [, about] = LAYER_DESCRIPTIONS[layer.kind] ?? ["", ""];
  stack.title.textContent = `${blockTitle(layer)}: ${formatShape(layer.shape)}`;
  stack.about.textContent = about;
  const side = Math.min(stack.side, layer.field_px);
  const corner = Math.floor((stack.side - side) / 2);
  positionFrame(stack.field, [corner, corner, side, side], stack.side);
  stack.fieldWords.textContent = `Receptive field of one value: ${formatField(layer, stack.side)}.`;
}

function formatField({ field_px: field }, side) {
  return field >= side ? `all ${side} × ${side} px` : `${field} × ${field} px`;
}

function blockTitle(layer) {
  const [title] = LAYER_DESCRIPTIONS[layer.kind] ?? [layer.kind];
  return layer.block ? `${title}, block ${layer.block}` : title;
}
