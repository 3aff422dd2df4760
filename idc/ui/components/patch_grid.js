// The patch grid: draws tiles from one sprite, moves by arrow keys, reports a pick. Streamlit calls
// the default export again on new data or a new theme: the state is kept on `parentElement`, and
// tiles are rebuilt only when `showing` (see patch_grid.py) changes.

import { element } from "./browser/dom.js";
import { hasModifier, optionAfterKey, optionOf, setTabStop } from "./browser/roving_focus.js";
import { followThreshold, sharedPredictions } from "./browser/shared_predictions.js";

const BADGES = { 0: "−", 1: "+" };
const CLASS_STYLES = { 0: "negative", 1: "positive" };

// `showing` -> picked row. Survives a remount, as the value in Python does.
const picks = new Map();

export default function ({ data, parentElement, setStateValue, setTriggerValue }) {
  const grid = parentElement.patchGrid ?? (parentElement.patchGrid = newGrid(parentElement));
  const [report, name] = data.marks_opened ? [setTriggerValue, "open"] : [setStateValue, "pick"];
  grid.report = (row) => report(name, { showing: grid.showing, row });
  applyLayout(grid, data);
  if (data.marks_opened) {
    picks.set(data.showing, data.opened);
    if (grid.showing === data.showing) markOpened(grid, data.opened);
  }
  grid.stop?.();
  grid.stop = data.errors_of
    ? followThreshold(sharedPredictions(data.errors_of), ({ threshold }) =>
        hideCorrectTiles(grid, threshold),
      )
    : undefined;
  update(grid, data);
  return () => grid.stop?.();
}

function update(grid, data) {
  if (grid.wanted === data.showing) return;
  const first = grid.wanted === undefined;
  grid.wanted = data.showing;

  const sprite = new Image();
  sprite.src = data.sprite;
  const ready = data.sprite ? sprite.decode().catch(() => {}) : Promise.resolve();
  if (first) showTiles(grid, data); // Reserve the space; the pixels follow.
  ready.then(() => {
    if (grid.wanted !== data.showing) return;
    // The old tiles stay until the sprite is decoded.
    if (grid.showing !== data.showing) showTiles(grid, data);
    paint(grid, sprite, data);
  });
}

function newGrid(parentElement) {
  const list = element("div", "grid");
  list.setAttribute("role", "listbox");
  const empty = element("p", "empty", "No patches to show.");
  const tip = element("div", "tip");
  tip.setAttribute("aria-hidden", "true"); // The option has the same name.
  tip.setAttribute("popover", "manual"); // In the top layer it is not clipped.
  parentElement.append(list, empty, tip);

  const grid = { list, empty, tip, options: [] };
  list.addEventListener("click", (event) => pick(grid, optionOf(event)));
  list.addEventListener("keydown", (event) => onKey(grid, event));
  list.addEventListener("pointerover", (event) => {
    if (event.pointerType === "mouse") showTip(grid, optionOf(event));
  });
  list.addEventListener("pointerleave", () => hideTip(grid));
  list.addEventListener("wheel", () => hideTip(grid), { passive: true });
  list.addEventListener("focusin", (event) => {
    if (event.target.matches(":focus-visible")) showTip(grid, optionOf(event));
  });
  list.addEventListener("focusout", () => hideTip(grid));
  return grid;
}

function applyLayout({ list }, data) {
  list.setAttribute("aria-label", data.label);
  list.style.setProperty("--tile", `${data.tile_px}px`);
  list.style.setProperty("--columns", data.columns);
  list.classList.toggle("capped", data.columns !== null);
}

function showTiles(grid, data) {
  const { list } = grid;
  const hadFocus = list.contains(list.getRootNode().activeElement);
  const predictions = data.errors_of && sharedPredictions(data.errors_of);
  grid.showing = data.showing;
  grid.tiles = data.tiles;
  grid.probabilities = data.y_prob;
  grid.options = data.tiles.map((tile) => newOption(tile, data.patch_px));
  hideTip(grid);
  list.replaceChildren(...grid.options);
  grid.empty.textContent = predictions ? "None at this threshold." : "No patches to show.";
  updateEmptyNote(grid);
  markPicked(grid, picks.get(data.showing));
  if (predictions && predictions.threshold !== null) hideCorrectTiles(grid, predictions.threshold);
  if (hadFocus) grid.options.find((option) => option.tabIndex === 0)?.focus();
}

// Keeps errors visible only.
function hideCorrectTiles(grid, threshold) {
  grid.options.forEach((option, i) => {
    option.hidden = grid.probabilities[i] >= threshold === (grid.tiles[i].label === 1);
  });
  updateEmptyNote(grid);
  const entry = grid.options.findIndex((option) => option.tabIndex === 0 && !option.hidden);
  if (entry < 0)
    setTabStop(
      grid.options,
      grid.options.findIndex((option) => !option.hidden),
    );
}

function updateEmptyNote({ list, empty, options }) {
  const none = options.every((option) => option.hidden);
  list.toggleAttribute("hidden", none);
  empty.toggleAttribute("hidden", !none);
}

function newOption(tile, patchPx) {
  const option = element("div", `tile ${CLASS_STYLES[tile.label] ?? "unknown"}`);
  option.setAttribute("role", "option");
  option.setAttribute("aria-label", tile.details);
  const canvas = element("canvas", "patch");
  canvas.width = canvas.height = patchPx;
  const caption = element("span", "caption");
  caption.append(
    element("span", "badge", BADGES[tile.label] ?? "?"),
    element("span", "words", tile.caption),
  );
  option.append(canvas, caption);
  return option;
}

// Each patch has its own canvas, so that enlarging it does not mix in neighbours in the sprite.
function paint(grid, sprite, data) {
  if (!sprite.naturalWidth) return;
  const side = data.patch_px;
  grid.options.forEach((option, i) => {
    const x = (i % data.sprite_columns) * side;
    const y = Math.floor(i / data.sprite_columns) * side;
    const context = option.firstChild.getContext("2d");
    context.drawImage(sprite, x, y, side, side, 0, 0, side, side);
  });
}

function pick(grid, option) {
  if (!option) return;
  const { row } = grid.tiles[grid.options.indexOf(option)];
  if (picks.get(grid.showing) === row) return;
  picks.set(grid.showing, row);
  markPicked(grid, row);
  grid.report(row);
}

// The page opened another patch or none. If it is not in this grid, the tab stop stays.
function markOpened(grid, row) {
  const at = grid.options.findIndex((option) => option.tabIndex === 0);
  markPicked(grid, row);
  if (!grid.tiles.some((tile) => tile.row === row)) setTabStop(grid.options, at);
}

function markPicked(grid, row) {
  const picked = grid.tiles.findIndex((tile) => tile.row === row);
  grid.options.forEach((option, i) => option.setAttribute("aria-selected", i === picked));
  setTabStop(grid.options, Math.max(picked, 0));
}

function onKey(grid, event) {
  if (hasModifier(event)) return;
  const options = grid.options.filter((option) => !option.hidden);
  const at = options.indexOf(optionOf(event));
  if (at < 0) return;
  if (event.key === "Escape") return hideTip(grid);
  if (event.key === "Enter" || event.key === " ") {
    event.preventDefault();
    return pick(grid, options[at]);
  }
  const to = optionAfterKey(event.key, options, at);
  if (to === undefined) return;
  event.preventDefault(); // The page must not scroll, not even at the edge.
  if (!options[to]) return;
  setTabStop(grid.options, grid.options.indexOf(options[to]));
  options[to].focus();
}

function showTip(grid, option) {
  if (!option) return hideTip(grid);
  const { tip } = grid;
  tip.textContent = option.getAttribute("aria-label");
  tip.showPopover?.();
  const tile = option.getBoundingClientRect();
  const { width, height } = tip.getBoundingClientRect();
  const centre = tile.left + tile.width / 2 - width / 2;
  const above = tile.top - height - 8;
  tip.style.left = `${Math.max(8, Math.min(centre, innerWidth - width - 8))}px`;
  tip.style.top = `${above > 8 ? above : tile.bottom + 8}px`;
}

function hideTip(grid) {
  if (grid.tip.matches(":popover-open")) grid.tip.hidePopover();
}
