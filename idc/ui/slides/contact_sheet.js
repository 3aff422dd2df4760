// The contact sheet: draws slides from one image, moves by arrow keys, reports which to open.
// Streamlit calls the default export again on new data or a new theme, so everything lives on
// `parentElement` and the cards are rebuilt only when the sheet is another one.

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
  rove(sheet, 0);
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
  list.addEventListener("click", (event) => open(sheet, optionOf(event)));
  list.addEventListener("keydown", (event) => onKey(sheet, event));
  return sheet;
}

function newOption(card, data) {
  const option = element("div", "card");
  option.setAttribute("role", "option");
  option.setAttribute("aria-selected", "false");
  option.setAttribute("aria-label", `Case ${card.case}, ${card.details}`);
  const canvas = element("canvas", "picture");
  canvas.width = data.width;
  canvas.height = data.height;
  const share = element("div", "share");
  share.style.setProperty("--share", card.share);
  option.append(
    canvas,
    share,
    element("div", "name", `Case ${card.case}`),
    element("div", "details", card.details),
  );
  return option;
}

function paint(sheet, image, { width, height }) {
  sheet.options.forEach((option, i) => {
    const context = option.firstChild.getContext("2d");
    context.drawImage(image, 0, i * height, width, height, 0, 0, width, height);
  });
  sheet.list.dataset.painted = sheet.options.length; // for whoever measures
}

function open(sheet, option) {
  if (!option) return;
  const at = sheet.options.indexOf(option);
  rove(sheet, at);
  sheet.open(sheet.cards[at]);
}

// Roving tabindex: Tab enters the sheet once, arrows move inside.
function rove(sheet, index) {
  sheet.options.forEach((option, i) => (option.tabIndex = i === index ? 0 : -1));
}

function onKey(sheet, event) {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const { options } = sheet;
  const at = options.indexOf(optionOf(event));
  if (at < 0) return;
  if (event.key === "Enter" || event.key === " ") {
    event.preventDefault();
    return open(sheet, options[at]);
  }
  const below = options.findIndex((option) => option.offsetTop > options[0].offsetTop);
  const perRow = below < 0 ? options.length : below;
  const moves = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -perRow, ArrowDown: perRow };
  const ends = { Home: 0, End: options.length - 1 };
  const to = ends[event.key] ?? at + moves[event.key];
  if (Number.isNaN(to)) return;
  event.preventDefault(); // No scrolling away, not even at the edge.
  if (!options[to]) return;
  rove(sheet, to);
  options[to].focus();
}

function optionOf(event) {
  return event.target.closest("[role=option]");
}

function element(tag, className, text = "") {
  const node = document.createElement(tag);
  node.className = className;
  node.textContent = text;
  return node;
}
