// The address of what is on screen, whole, to copy. Only the browser knows under which name the
// server was reached.

export default function ({ data, parentElement }) {
  const share = parentElement.share ?? (parentElement.share = newShare(parentElement));
  const address = new URL(data.query, location.origin + location.pathname);
  share.field.value = address.href;
  share.label.textContent = data.label;
  share.field.setAttribute("aria-label", data.label);
}

function newShare(parentElement) {
  const label = document.createElement("p");
  label.className = "label";
  const field = document.createElement("input");
  field.readOnly = true;
  const copy = document.createElement("button");
  copy.type = "button";
  copy.textContent = "Copy";
  const row = document.createElement("div");
  row.className = "row";
  row.append(field, copy);
  const said = document.createElement("span");
  said.className = "said";
  said.setAttribute("role", "status");
  parentElement.append(label, row, said);
  field.addEventListener("focus", () => field.select());
  copy.addEventListener("click", async () => {
    field.select();
    const copied = await copyText(field.value);
    said.textContent = copied ? "Copied." : "The link is marked: press Ctrl+C to copy it.";
  });
  return { label, field };
}

// Browsers give the clipboard only to pages on this computer or behind TLS.
async function copyText(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return false;
  }
}
