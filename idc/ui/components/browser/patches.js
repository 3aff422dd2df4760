// The patch's size and class names, as in `idc.patches`.

export const PATCH_SIDE_PX = 50;
export const CLASS_NAMES = ["IDC-negative", "IDC-positive"]; // index = label
