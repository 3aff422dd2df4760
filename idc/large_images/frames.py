"""The frame that coordinates of a slide count from.

OpenSlide counts from the upper left corner of the whole slide at full resolution, level 0. A file
of some formats (SCN, MIRAX) also states its bounds, the box that was scanned, as the properties
``openslide.bounds-x``, ``-y``, ``-width`` and ``-height``. QuPath crops such a slide to its bounds
if all four are integers, and counts from their corner.
"""

import re

import numpy as np

LEVEL_0, BOUNDS = "level 0", "bounds"

Bounds = tuple[int, int, int, int]  # x, y, width, height, px at level 0

_INTEGER = re.compile(r"[+-]?\d{1,10}", re.ASCII)


def parse_bounds(values: object, width: int, height: int) -> Bounds | None:
    """The bounds of a slide of ``width`` x ``height`` px from its untrusted properties.

    Args:
        values: the texts of x, y, width and height; None where the file lacks one.

    Returns:
        None where one is missing or no integer, as in QuPath, and where the corner lies outside of
        the slide or the box is empty.
    """
    if not isinstance(values, list) or len(values) != 4:
        return None
    if not all(isinstance(value, str) and _INTEGER.fullmatch(value) for value in values):
        return None
    x, y, bounds_width, bounds_height = (int(value) for value in values)
    if not (0 <= x < width and 0 <= y < height) or min(bounds_width, bounds_height) <= 0:
        return None
    return x, y, bounds_width, bounds_height


def qupath_origin_px(bounds_px: Bounds | None) -> np.ndarray:
    """Where QuPath's frame begins at level 0: int64 (x, y). QuPath's x is x at level 0 minus it."""
    return np.array(bounds_px[:2] if bounds_px else (0, 0), np.int64)


def bounds_note(bounds_px: Bounds | None) -> str:
    """How coordinates at level 0 become QuPath's, as a sentence; empty if they are equal."""
    if not bounds_px or bounds_px[:2] == (0, 0):
        return ""
    x, y = bounds_px[:2]
    return (
        f"QuPath crops this slide to its bounds: its coordinates are x_px - {x} and y_px - {y}; "
        "GeoJSON is written in them, CSV and Parquet at level 0."
    )
