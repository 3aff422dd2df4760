// The full address of the current view, to copy. Only the browser knows the server's public name.

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
  const status = document.createElement("span");
  status.className = "said";
  status.setAttribute("role", "status");
  parentElement.append(label, row, status);
  field.addEventListener("focus", () => field.select());
  copy.addEventListener("click", async () => {
    field.select();
    const copied = await copyText(field.value);
    status.textContent = copied ? "Copied." : "The link is selected: press Ctrl+C to copy it.";
  });
  return { label, field };
}

// Browsers allow clipboard access only on localhost or over TLS.
async function copyText(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return false;
  }
}
