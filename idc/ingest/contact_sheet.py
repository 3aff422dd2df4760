"""Some pictures of each class side by side, to see before packing whether the labels are right."""

from collections.abc import Sequence

import cv2
import numpy as np

from idc.ingest.layouts.prepare import SHOWN_OF_A_CLASS

CELL_PX = 96
_GAP_PX = 4
_MAX_CLASSES = 12


def class_strips(pictures: Sequence[np.ndarray], classes: Sequence[str]) -> dict[str, bytes]:
    """One strip of pictures for each of the first classes, sorted by name.

    Args:
        pictures: uint8 RGB, shape (height, width, 3) each.
        classes: the class of each picture.

    Returns:
        class -> a PNG of transparent background, ``CELL_PX`` high.
    """
    strips = {}
    for name in sorted(set(classes))[:_MAX_CLASSES]:
        own = [p for p, of in zip(pictures, classes, strict=True) if of == name]
        written, png = cv2.imencode(".png", _strip(_spread(own)))
        assert written
        strips[name] = png.tobytes()
    return strips


def _spread(pictures: Sequence[np.ndarray]) -> list[np.ndarray]:
    """At most `SHOWN_OF_A_CLASS` of them, evenly spaced."""
    chosen = np.linspace(0, len(pictures) - 1, min(SHOWN_OF_A_CLASS, len(pictures))).astype(int)
    return [pictures[number] for number in chosen]


def _strip(pictures: Sequence[np.ndarray]) -> np.ndarray:
    """uint8 BGRA, shape (CELL_PX, width, 4)."""
    step = CELL_PX + _GAP_PX
    strip = np.zeros((CELL_PX, len(pictures) * step - _GAP_PX, 4), np.uint8)
    for number, picture in enumerate(pictures):
        cell = _fitted(picture)
        height, width = cell.shape[:2]
        top, left = (CELL_PX - height) // 2, number * step + (CELL_PX - width) // 2
        strip[top : top + height, left : left + width] = cv2.cvtColor(cell, cv2.COLOR_RGB2BGRA)
    return strip


def _fitted(picture: np.ndarray) -> np.ndarray:
    """The picture scaled to fit a cell."""
    scale = CELL_PX / max(picture.shape[:2])
    height, width = (max(1, round(side * scale)) for side in picture.shape[:2])
    method = cv2.INTER_AREA if scale < 1 else cv2.INTER_NEAREST
    return cv2.resize(np.ascontiguousarray(picture), (width, height), interpolation=method)
