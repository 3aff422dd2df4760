// Slide viewers side by side that show the same picture and share one camera.
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

// Linked to another viewer and not in full screen.
export function isSmall(viewer) {
  return Boolean(viewer.slide.beside) && !viewer.root.matches(":fullscreen");
}
