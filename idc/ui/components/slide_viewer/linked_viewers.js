// Name -> viewers that lie beside each other, show the same picture and move together.
const linkedGroups = new Map();

export function linkViewer(viewer, name) {
  if (!linkedGroups.has(name)) linkedGroups.set(name, new Set());
  linkedGroups.get(name).add(viewer);
  return () => linkedGroups.get(name).delete(viewer);
}

export function* linkedViewers(viewer) {
  for (const other of linkedGroups.get(viewer.slide.beside) ?? []) {
    if (other !== viewer && other.shown === viewer.shown) yield other;
  }
}

// Beside another one, and not in full screen.
export function isSmall(viewer) {
  return Boolean(viewer.slide.beside) && !viewer.root.matches(":fullscreen");
}
