// Numbers as text. A dash stands for an undefined number.

export function formatScore(value) {
  return Number.isFinite(value) ? value.toFixed(3) : "–";
}

export function formatShare(value) {
  return Number.isFinite(value) ? `${(100 * value).toFixed(1)} %` : "–";
}

export function formatCount(count) {
  return count.toLocaleString("en-US");
}

// `digits` significant digits and a true minus sign.
export function formatNumber(value, digits = 3) {
  const text = Number(Math.abs(value).toPrecision(digits)).toLocaleString("en-US", {
    maximumSignificantDigits: digits,
  });
  return value < 0 && text !== "0" ? `−${text}` : text;
}

export function clamp(value, least, most) {
  return Math.min(Math.max(value, least), most);
}
