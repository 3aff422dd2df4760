"""The place of a patch on its slide: find a patch by its place, and stitch its neighbourhood.

The index is sorted by case, then y, then x, so a place is found by bisection in O(log n).
"""

import re
from dataclasses import dataclass

import cv2
import numpy as np

from idc.datasets.store import PatchStore

GAP = -1  # instead of a row number: the data set holds no patch there

# Nine digits keep every number of a URL inside the index's int32.
_PLACE = re.compile(r"(\d{1,9})_(\d{1,9})_(\d{1,9})")


@dataclass(frozen=True, order=True)
class Place:
    """Position of a patch. Unlike a row number it is stable when the data set is packed again."""

    case: int
    x: int
    y: int

    def __str__(self) -> str:
        """The form used in URLs: "8863_451_1451"."""
        return f"{self.case}_{self.x}_{self.y}"


def parse_place(text: str) -> Place | None:
    """Parse the form used in URLs. Returns None if it is malformed."""
    match = _PLACE.fullmatch(text)
    return Place(*(int(part) for part in match.groups())) if match else None


def place_of(store: PatchStore, row: int) -> Place:
    """The place of the patch in a row."""
    return Place(*(int(store.columns[name][row]) for name in ("case", "x", "y")))


def find_row(store: PatchStore, place: Place) -> int | None:
    """The row of the patch at a place; None without one. Takes O(log n)."""
    rows = slice(0, len(store))
    for name, value in (("case", place.case), ("y", place.y), ("x", place.x)):
        rows = _equal_range(store.columns[name], rows, value)
    return rows.start if rows.start < rows.stop else None


def neighbour_rows(store: PatchStore, row: int, radius: int = 2) -> np.ndarray:
    """The rows of a patch and its neighbours.

    Args:
        radius: patches to each side.

    Returns:
        int64, shape (2 * radius + 1, 2 * radius + 1), top to bottom and left to right; `GAP` where
        the data set holds no patch.
    """
    at, side = place_of(store, row), store.description.side_px
    steps = range(-radius, radius + 1)
    places = [
        [Place(at.case, at.x + side * right, at.y + side * down) for right in steps]
        for down in steps
    ]
    found = [[find_row(store, place) for place in line] for line in places]
    return np.array([[GAP if row is None else row for row in line] for line in found])


def stitch_neighbourhood(store: PatchStore, rows: np.ndarray) -> np.ndarray:
    """An image of a part of a slide.

    Args:
        rows: int64, shape (down, right): row numbers, or `GAP`.

    Returns:
        uint8 RGBA, shape (side * down, side * right, 4). Gaps are transparent. An edge patch has
        its original size; the rest of its square is transparent.
    """
    (down, right), side = rows.shape, store.description.side_px
    image = np.zeros((down * side, right * side, 4), np.uint8)
    for (line, column), row in np.ndenumerate(rows):
        if row == GAP:
            continue
        patch = original_size_patch(store, int(row))
        height, width = patch.shape[:2]
        top, left = line * side, column * side
        image[top : top + height, left : left + width, :3] = patch
        image[top : top + height, left : left + width, 3] = 255
    return image


def original_size_patch(store: PatchStore, row: int) -> np.ndarray:
    """uint8 RGB, shape (height, width, 3): an edge patch is reduced to its original size."""
    height, width = (int(store.columns[name][row]) for name in ("height", "width"))
    patch = store.patches[row]
    side = store.description.side_px
    height, width = min(height, side), min(width, side)
    if (height, width) == patch.shape[:2]:
        return patch
    return cv2.resize(np.asarray(patch), (width, height), interpolation=cv2.INTER_AREA)


def _equal_range(column: np.ndarray, rows: slice, value: int) -> slice:
    """The rows that hold a value, in a slice of a column that is sorted within this slice."""
    part = column[rows]
    if not np.iinfo(part.dtype).min <= value <= np.iinfo(part.dtype).max:
        return slice(rows.start, rows.start)
    # With a value of another dtype NumPy would convert the whole column first.
    wanted = part.dtype.type(value)
    first, last = np.searchsorted(part, wanted, "left"), np.searchsorted(part, wanted, "right")
    return slice(rows.start + int(first), rows.start + int(last))
