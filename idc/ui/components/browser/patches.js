// The Kaggle set's patch size and class names, as in `idc.patches`.

export const PATCH_SIDE_PX = 50;
// The side of a square patch, from its RGB bytes.
export function sideOf(rgb) {
  return Math.round(Math.sqrt(rgb.length / 3));
}

export const CLASS_NAMES = ["IDC-negative", "IDC-positive"]; // index = label
