// Roving tabindex: the Tab key enters a group once, arrow keys move inside it.

export function setTabStop(nodes, index) {
  nodes.forEach((node, i) => (node.tabIndex = i === index ? 0 : -1));
}

// The [role=option] that an event happened in; null outside of one.
export function optionOf(event) {
  return event.target.closest("[role=option]");
}

export function hasModifier(event) {
  return event.ctrlKey || event.metaKey || event.altKey;
}

// Where a key leads among options that wrap into rows: an index, possibly outside of the options;
// undefined for other keys.
export function optionAfterKey(key, options, index) {
  const perRow = optionsPerRow(options);
  const steps = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -perRow, ArrowDown: perRow };
  const ends = { Home: 0, End: options.length - 1 };
  return ends[key] ?? (key in steps ? index + steps[key] : undefined);
}

function optionsPerRow(options) {
  const below = options.findIndex((option) => option.offsetTop > options[0].offsetTop);
  return below < 0 ? options.length : below;
}
