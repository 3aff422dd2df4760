"""Images of a region: its tiling and its heat map."""

import cv2
import numpy as np

from idc.imaging.outline import cell_outlines
from idc.imaging.rescaling import resize_to
from idc.large_images.region import RegionLayout, RegionPredictions

_OPACITY = 0.55
_GRID_RGB = (11, 70, 84)
_MIN_CELL_PX = 5  # grid lines on smaller cells would cover the tissue
_BACKGROUND_FADE = 0.75  # share of white blended into the background


def region_png(answers: RegionPredictions, picture: np.ndarray, threshold: float) -> bytes:
    """The heat map on its image as PNG; the predicted region has a white line with a dark edge.

    Args:
        picture: uint8 RGB, shape (height, width, 3): the image, possibly shrunk.
    """
    layout, cells = answers.layout, answers.cells()
    height, width = picture.shape[:2]
    known = ~np.isnan(cells)
    levels = np.rint(np.where(known, cells, 0) * 255).astype(np.uint8)
    colours = cv2.applyColorMap(levels, cv2.COLORMAP_VIRIDIS)
    columns, rows = picture_edges(layout, width, height)
    tint = _fill_cells(colours, columns, rows)
    weight = _fill_cells(np.where(known, np.float32(_OPACITY), np.float32(0)), columns, rows)[
        ..., None
    ]
    bgr = np.rint(picture[..., ::-1] * (1 - weight) + tint * weight).astype(np.uint8)
    corners = [
        np.stack([columns[ring[:, 0]], rows[ring[:, 1]]], axis=1).astype(np.int32)
        for polygon in cell_outlines(answers.predicted_positive(threshold))
        for ring in polygon.rings
    ]
    line = max(1, round(max(height, width) / 800))
    for colour, thickness in (((36, 31, 11), 3 * line), ((255, 255, 255), line)):
        cv2.polylines(bgr, corners, isClosed=True, color=colour, thickness=thickness)
    # Level 1 is a third larger than the best compression, in a tenth of the time.
    _, png = cv2.imencode(".png", bgr, [cv2.IMWRITE_PNG_COMPRESSION, 1])
    return png.tobytes()


def downscaled_picture(rgb: np.ndarray, max_px: int = 8 * 10**6) -> np.ndarray:
    """An image for the browser: the same, or shrunk by area to at most ``max_px`` pixels."""
    height, width = rgb.shape[:2]
    factor = min(1.0, (max_px / (height * width)) ** 0.5)
    return resize_to(rgb, (max(1, int(width * factor)), max(1, int(height * factor))))


def picture_edges(layout: RegionLayout, width: int, height: int) -> tuple[np.ndarray, np.ndarray]:
    """The cells' x and y edges in px of a downscaled image: two int64 arrays."""
    columns = np.rint(layout.x_edges_px * (width / layout.width_px)).astype(np.int64)
    rows = np.rint(layout.y_edges_px * (height / layout.height_px)).astype(np.int64)
    return columns, rows


def tiling_picture(layout: RegionLayout, picture: np.ndarray) -> np.ndarray:
    """An image with the grid of cells to predict; the background is faded.

    Args:
        picture: uint8 RGB, shape (height, width, 3): the image, possibly shrunk.

    Returns:
        uint8 RGB of the same shape.
    """
    height, width = picture.shape[:2]
    columns, rows = picture_edges(layout, width, height)
    tissue = _fill_cells(layout.tissue, columns, rows)[..., None]
    faded = 255 - ((255 - picture) * (1 - _BACKGROUND_FADE)).astype(np.uint8)
    drawn = np.where(tissue, picture, faded)
    if width / layout.tissue.shape[1] >= _MIN_CELL_PX:
        lines = np.zeros((height, width), bool)
        lines[:, np.minimum(columns, width - 1)] = True
        lines[np.minimum(rows, height - 1)] = True
        grid = lines[..., None] & tissue
        drawn = np.where(grid, np.array(_GRID_RGB, np.uint8), drawn)
    return drawn


def _fill_cells(cells: np.ndarray, columns: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Repeat each cell's value over its pixels."""
    return cells.repeat(np.diff(rows), axis=0).repeat(np.diff(columns), axis=1)
