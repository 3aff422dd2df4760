// The contact sheet: draws slides from one image, moves by arrow keys, reports which to open.
// Streamlit calls the default export again on new data or a new theme: the state is kept on
// `parentElement`, and cards are rebuilt only for another sheet.

import { element } from "../components/browser/dom.js";
import {
  hasModifier,
  optionAfterKey,
  optionOf,
  setTabStop,
} from "../components/browser/roving_focus.js";

export default function ({ data, parentElement, setTriggerValue }) {
  const sheet =
    parentElement.contactSheet ?? (parentElement.contactSheet = newSheet(parentElement));
  sheet.open = (card) => setTriggerValue("open", card.case);
  if (sheet.wanted === data.sheet) return;
  sheet.wanted = data.sheet;
  sheet.cards = data.cards;
  sheet.list.style.setProperty("--card", `${data.width}px`);
  sheet.options = data.cards.map((card) => newOption(card, data));
  sheet.list.replaceChildren(...sheet.options);
  setTabStop(sheet.options, 0);
  const image = new Image();
  image.src = data.sheet;
  image.decode().then(() => {
    if (sheet.wanted === data.sheet) paint(sheet, image, data);
  });
}

function newSheet(parentElement) {
  const list = element("div", "sheet");
  list.setAttribute("role", "listbox");
  list.setAttribute("aria-label", "Slides");
  parentElement.append(list);
  const sheet = { list, options: [], cards: [] };
  list.addEventListener("click", (event) => openCard(sheet, optionOf(event)));
  list.addEventListener("keydown", (event) => onKey(sheet, event));
  return sheet;
}

function newOption(card, data) {
  const option = element("div", "card");
  option.setAttribute("role", "option");
  option.setAttribute("aria-selected", "false");
  option.setAttribute("aria-label", `${card.title}, ${card.details}`);
  const canvas = element("canvas", "picture");
  canvas.width = data.width;
  canvas.height = data.height;
  const share = element("div", "share");
  share.style.setProperty("--share", card.share);
  option.append(
    canvas,
    share,
    element("div", "name", card.title),
    element("div", "details", card.details),
  );
  return option;
}

function paint(sheet, image, { width, height }) {
  sheet.options.forEach((option, i) => {
    const context = option.firstChild.getContext("2d");
    context.drawImage(image, 0, i * height, width, height, 0, 0, width, height);
  });
  sheet.list.dataset.painted = sheet.options.length; // for tests and benches
}

function openCard(sheet, option) {
  if (!option) return;
  const at = sheet.options.indexOf(option);
  setTabStop(sheet.options, at);
  sheet.open(sheet.cards[at]);
}

function onKey(sheet, event) {
  if (hasModifier(event)) return;
  const { options } = sheet;
  const at = options.indexOf(optionOf(event));
  if (at < 0) return;
  if (event.key === "Enter" || event.key === " ") {
    event.preventDefault();
    return openCard(sheet, options[at]);
  }
  const to = optionAfterKey(event.key, options, at);
  if (to === undefined) return;
  event.preventDefault(); // The page must not scroll, not even at the edge.
  if (!options[to]) return;
  setTabStop(sheet.options, to);
  options[to].focus();
}
