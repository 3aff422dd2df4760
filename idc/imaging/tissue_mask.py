"""Separate tissue from background by saturation: glass has no colour, stained tissue has.

The threshold comes from Otsu's method (1979, doi:10.1109/TSMC.1979.4310076) on the image itself,
within bounds, because an empty field and one full of tissue have only one kind of pixel. On the
real set's complete cases glass has a saturation of about 5 of 255, tissue of 60 to 100; of their
patches, which all contain some tissue, 98.5 % pass, and all IDC-positive ones
(`tests/imaging/test_tissue_mask.py`).
"""

import cv2
import numpy as np

MIN_TISSUE_SHARE = 0.1  # cells with less are background

_MIN_SATURATION, _MAX_SATURATION = 14, 20  # of 255
_MAX_DARK_VALUE = 30  # of 255: the black border of a scan, whose noise has any saturation
_BLUR_PX = 1.0  # at 4 um per pixel: removes JPEG colour noise


def tissue_mask(rgb: np.ndarray) -> np.ndarray:
    """The mask of stained tissue.

    Args:
        rgb: uint8 RGB, shape (height, width, 3), about 4 um per pixel or coarser.

    Returns:
        bool, shape (height, width).
    """
    hsv = cv2.cvtColor(cv2.GaussianBlur(rgb, (0, 0), _BLUR_PX), cv2.COLOR_RGB2HSV)
    saturation, value = hsv[..., 1], hsv[..., 2]
    found, _ = cv2.threshold(saturation, 0, 255, cv2.THRESH_BINARY + cv2.THRESH_OTSU)
    threshold = min(max(found, _MIN_SATURATION), _MAX_SATURATION)
    return (saturation > threshold) & (value > _MAX_DARK_VALUE)


def cell_shares(mask: np.ndarray, x_edges: np.ndarray, y_edges: np.ndarray) -> np.ndarray:
    """The share of set pixels in each cell of a grid.

    Args:
        mask: bool, shape (height, width).
        x_edges, y_edges: int, ascending: the starts of columns and rows, and the last end.

    Returns:
        float64 [0, 1], shape (rows, columns); 0 for a cell without a pixel.
    """
    sums = cv2.integral(mask.astype(np.uint8))[np.ix_(y_edges, x_edges)].astype(np.float64)
    inside = np.diff(np.diff(sums, axis=0), axis=1)
    areas = np.outer(np.diff(y_edges), np.diff(x_edges))
    return inside / np.maximum(areas, 1)
