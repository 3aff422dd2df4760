// Numbers in words, and elements of the page.

function score(value) {
  return Number.isFinite(value) ? value.toFixed(3) : "–";
}

function share(value) {
  return Number.isFinite(value) ? `${(100 * value).toFixed(1)} %` : "–";
}

function whole(count) {
  return count.toLocaleString("en-US");
}

function element(tag, className = "", ...children) {
  const node = document.createElement(tag);
  node.className = className;
  node.append(...children);
  return node;
}
