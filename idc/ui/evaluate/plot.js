// A small SVG plot with two linear axes. It is drawn once; then its marks move.

const SVG = "http://www.w3.org/2000/svg";
const WIDTH = 440;
const HEIGHT = 340;
const MARGIN = { left: 52, right: 12, top: 12, bottom: 46 };

// An axis: { title, ticks: [value], words: tick -> text, place: value -> [0, 1] (default: itself) }
export function newPlot({ label, x, y }) {
  const root = svgElement("svg", {
    viewBox: `0 0 ${WIDTH} ${HEIGHT}`,
    role: "group",
    class: "plot",
  });
  root.setAttribute("aria-label", label);
  const across = WIDTH - MARGIN.left - MARGIN.right;
  const upward = HEIGHT - MARGIN.top - MARGIN.bottom;
  const plot = {
    root,
    x: (value) => MARGIN.left + across * (x.place ?? ((v) => v))(value),
    y: (value) => HEIGHT - MARGIN.bottom - upward * (y.place ?? ((v) => v))(value),
    left: MARGIN.left,
    right: WIDTH - MARGIN.right,
    top: MARGIN.top,
    bottom: HEIGHT - MARGIN.bottom,
  };
  const axes = svgElement("g", { class: "axes", "aria-hidden": "true" });
  for (const tick of x.ticks) {
    const at = plot.x(tick);
    axes.append(
      svgElement("line", { x1: at, x2: at, y1: plot.top, y2: plot.bottom }),
      svgText(x.words(tick), { x: at, y: plot.bottom + 18, "text-anchor": "middle" }),
    );
  }
  for (const tick of y.ticks) {
    const at = plot.y(tick);
    axes.append(
      svgElement("line", { x1: plot.left, x2: plot.right, y1: at, y2: at }),
      svgText(y.words(tick), { x: plot.left - 7, y: at + 4, "text-anchor": "end" }),
    );
  }
  const middle = (plot.top + plot.bottom) / 2;
  axes.append(
    svgText(x.title, { x: (plot.left + plot.right) / 2, y: HEIGHT - 6, "text-anchor": "middle" }),
    svgText(y.title, {
      x: 13,
      y: middle,
      "text-anchor": "middle",
      transform: `rotate(-90 13 ${middle})`,
    }),
  );
  root.append(axes);
  return plot;
}

export function svgElement(tag, attributes = {}, ...children) {
  const node = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  node.append(...children);
  return node;
}

function svgText(words, attributes) {
  return svgElement("text", attributes, words);
}

// `points`: [[x, y], ...] in axis units.
export function plotPath(plot, points, attributes) {
  const places = points.map(([x, y]) => `${plot.x(x).toFixed(1)} ${plot.y(y).toFixed(1)}`);
  return svgElement("path", { d: `M${places.join("L")}`, fill: "none", ...attributes });
}

// Makes marks buttons for mouse and keyboard, with a roving tabindex. The tooltip of a mark is its
// aria-label.
export function makePressable(marks, press) {
  marks.forEach(({ node }, i) => {
    const title = svgElement("title");
    node.append(title);
    node.setAttribute("role", "button");
    node.setAttribute("tabindex", i === 0 ? 0 : -1);
    node.addEventListener("pointerenter", () => {
      title.textContent = node.getAttribute("aria-label");
    });
    node.addEventListener("click", () => press(i));
    node.addEventListener("keydown", (event) => {
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      if (event.key === "Enter" || event.key === " ") {
        event.preventDefault();
        return press(i);
      }
      const last = marks.length - 1;
      const steps = { ArrowRight: i + 1, ArrowLeft: i - 1, ArrowDown: i + 1, ArrowUp: i - 1 };
      const to = { ...steps, Home: 0, End: last }[event.key];
      if (to === undefined) return;
      event.preventDefault(); // The page must not scroll, not even at the edge.
      if (to < 0 || to > last) return;
      for (const mark of marks) mark.node.setAttribute("tabindex", -1);
      marks[to].node.setAttribute("tabindex", 0);
      marks[to].node.focus();
    });
  });
}

export function setPressed(marks, opened) {
  marks.forEach(({ node }, i) => node.setAttribute("aria-pressed", i === opened));
}

export const formatPercent = (value) => `${Math.round(100 * value)} %`;
export const formatTenths = (value) =>
  value === 0 || value === 1 ? String(value) : value.toFixed(1);
export const FIFTH_TICKS = [0, 0.2, 0.4, 0.6, 0.8, 1];
