// Pixels: bytes that came as text, pictures on a canvas, and the colours of numbers.

function bytesOf(text) {
  return Uint8Array.from(atob(text), (sign) => sign.charCodeAt(0));
}

// Draws a picture of `width` x `height` places; `colourAt(x, y)` gives [red, green, blue] of each.
function paint(canvas, width, height, colourAt) {
  canvas.width = width;
  canvas.height = height;
  const picture = new ImageData(width, height);
  for (let y = 0, at = 0; y < height; y += 1) {
    for (let x = 0; x < width; x += 1, at += 4) {
      const [red, green, blue] = colourAt(x, y);
      picture.data.set([red, green, blue, 255], at);
    }
  }
  canvas.getContext("2d").putImageData(picture, 0, 0);
}

// [0, 1] -> black to white.
function grey(share) {
  const level = 255 * Math.min(1, Math.max(0, share));
  return [level, level, level];
}

// [-1, 1] -> brown over white to green: against and for, told apart by all eyes.
const AGAINST = [140, 81, 10];
const FOR = [1, 102, 94];

function signed(value) {
  const end = value < 0 ? AGAINST : FOR;
  const share = Math.min(1, Math.abs(value));
  return end.map((level) => 245 + (level - 245) * share);
}

// Three numbers and "+" or "−" as people read them.
function plainly(value, digits = 3) {
  const text = Number(Math.abs(value).toPrecision(digits)).toLocaleString("en-US", {
    maximumSignificantDigits: digits,
  });
  return value < 0 && text !== "0" ? `−${text}` : text;
}

// Which place of a canvas a pointer is at, of `columns` x `rows`.
function placeUnder(event, canvas, columns, rows) {
  const box = canvas.getBoundingClientRect();
  const at = (share, count) => Math.min(count - 1, Math.max(0, Math.floor(share * count)));
  return [
    at((event.clientX - box.left) / box.width, columns),
    at((event.clientY - box.top) / box.height, rows),
  ];
}

// Where an arrow key leads to; null for other keys.
function arrowed(key, [x, y], columns, rows) {
  const steps = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
  if (!(key in steps)) return null;
  const within = (value, count) => Math.min(count - 1, Math.max(0, value));
  return [within(x + steps[key][0], columns), within(y + steps[key][1], rows)];
}

// A frame around some pixels of a picture that is shown larger: in shares of its side.
function placeFrame(frame, [left, top, width, height], side) {
  Object.assign(frame.style, {
    left: `${(100 * left) / side}%`,
    top: `${(100 * top) / side}%`,
    width: `${(100 * width) / side}%`,
    height: `${(100 * height) / side}%`,
  });
}

function choice(title, act) {
  const button = element("button", "choice", title);
  button.type = "button";
  button.addEventListener("click", act);
  return button;
}
