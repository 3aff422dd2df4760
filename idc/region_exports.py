"""What a model says about a region, for other programs: CSV, GeoJSON for QuPath, PNG.

All coordinates are px of the image that came in (of a whole slide: of its full resolution), from
its upper left corner. In QuPath, open that image and drop the GeoJSON file on it.
"""

import csv
import io
import json
from typing import Any

import cv2
import numpy as np

from idc.geojson import box_ring, closed_ring, feature, label_class, named_class
from idc.outline import Polygon, cell_outlines
from idc.regions import Layout, RegionAnswers, cell_boxes
from idc.rescaling import resized

CALLED_CLASS = "IDC region (predicted)"
_CALLED_RGB = (213, 94, 0)
_OPACITY = 0.55

COLUMNS = ("x_px", "y_px", "width_px", "height_px", "is_tissue", "y_prob", "y_pred")


def region_csv(answers: RegionAnswers, threshold: float) -> str:
    """One row a cell, background included: its answer is empty there."""
    layout, cells = answers.layout, answers.cells()
    boxes = cell_boxes(layout.x_edges_px, layout.y_edges_px)
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(COLUMNS)
    for box, y_prob in zip(boxes.reshape(-1, 4).tolist(), cells.ravel().tolist(), strict=True):
        known = not np.isnan(y_prob)
        answer = [f"{y_prob:.6f}", int(y_prob >= threshold)] if known else ["", ""]
        writer.writerow([*box, int(known), *answer])
    return file.getvalue()


def region_geojson(answers: RegionAnswers, *, name: str, model: str, threshold: float) -> str:
    """A feature collection: a tile a cell with tissue, and around those called positive an outline.

    Args:
        name: of the image; identifiers depend on it and on the place alone.
        model: the run's title.
        threshold: IDC-positive from here on.
    """
    layout, cells = answers.layout, answers.cells()
    tiles = [
        _tile(name, box, float(y_prob), model, threshold)
        for box, y_prob in zip(layout.boxes_px(), cells[layout.tissue], strict=True)
    ]
    outlines = [
        _outline(name, i, ring) for i, ring in enumerate(called_outlines(answers, threshold))
    ]
    collection = {
        "type": "FeatureCollection",
        "features": outlines + tiles,
        "properties": {
            "image": name,
            "model": model,
            "threshold": threshold,
            "width_px": layout.width_px,
            "height_px": layout.height_px,
            "um_per_px": layout.mpp_um,
        },
    }
    return json.dumps(collection, allow_nan=False)


def region_png(answers: RegionAnswers, picture: np.ndarray, threshold: float) -> bytes:
    """The heat map on its picture, lossless; the called region has a white line with a dark edge.

    Args:
        picture: uint8 RGB, shape (height, width, 3): the image, possibly shrunk.
    """
    layout, cells = answers.layout, answers.cells()
    height, width = picture.shape[:2]
    known = ~np.isnan(cells)
    levels = np.rint(np.where(known, cells, 0) * 255).astype(np.uint8)
    colours = cv2.applyColorMap(levels, cv2.COLORMAP_VIRIDIS)
    columns, rows = picture_edges(layout, width, height)
    tint = _spread(colours, columns, rows)
    weight = _spread(np.where(known, np.float32(_OPACITY), np.float32(0)), columns, rows)[..., None]
    bgr = np.rint(picture[..., ::-1] * (1 - weight) + tint * weight).astype(np.uint8)
    corners = [
        np.stack([columns[ring[:, 0]], rows[ring[:, 1]]], axis=1).astype(np.int32)
        for polygon in cell_outlines(_called(cells, threshold))
        for ring in polygon.rings
    ]
    line = max(1, round(max(height, width) / 800))
    for colour, thickness in (((36, 31, 11), 3 * line), ((255, 255, 255), line)):
        cv2.polylines(bgr, corners, isClosed=True, color=colour, thickness=thickness)
    # Level 1: a third larger than the best, in a tenth of the time.
    _, png = cv2.imencode(".png", bgr, [cv2.IMWRITE_PNG_COMPRESSION, 1])
    return png.tobytes()


def shown_picture(rgb: np.ndarray, most_px: int = 8 * 10**6) -> np.ndarray:
    """An image as a browser can well take it: the same, or shrunk by area to so many pixels."""
    height, width = rgb.shape[:2]
    factor = min(1.0, (most_px / (height * width)) ** 0.5)
    return resized(rgb, (max(1, int(width * factor)), max(1, int(height * factor))))


def picture_edges(layout: Layout, width: int, height: int) -> tuple[np.ndarray, np.ndarray]:
    """The cells' columns and rows in px of a shrunk picture of the image: two int64 arrays."""
    columns = np.rint(layout.x_edges_px * (width / layout.width_px)).astype(np.int64)
    rows = np.rint(layout.y_edges_px * (height / layout.height_px)).astype(np.int64)
    return columns, rows


def called_outlines(answers: RegionAnswers, threshold: float) -> list[Polygon]:
    """Around all cells called positive, in px of the image that came in."""
    layout, cells = answers.layout, answers.cells()
    return [
        Polygon(_px(layout, polygon.exterior), tuple(_px(layout, hole) for hole in polygon.holes))
        for polygon in cell_outlines(_called(cells, threshold))
    ]


def _called(cells: np.ndarray, threshold: float) -> np.ndarray:
    return cells >= threshold  # nan is not


def _px(layout: Layout, ring: np.ndarray) -> np.ndarray:
    return np.stack([layout.x_edges_px[ring[:, 0]], layout.y_edges_px[ring[:, 1]]], axis=1)


def _spread(cells: np.ndarray, columns: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Each cell's value over all its pixels."""
    return cells.repeat(np.diff(rows), axis=0).repeat(np.diff(columns), axis=1)


def _tile(
    name: str, box: np.ndarray, y_prob: float, model: str, threshold: float
) -> dict[str, Any]:
    place = f"{name}_x{box[0]}_y{box[1]}"
    return feature(
        place,
        [box_ring(box)],
        objectType="tile",
        name=place,
        classification=label_class(int(y_prob >= threshold)),
        measurements={f"Probability of IDC: {model}": round(y_prob, 6)},
    )


def _outline(name: str, i: int, polygon: Polygon) -> dict[str, Any]:
    return feature(
        f"{name}_called{i}",
        [closed_ring(ring) for ring in polygon.rings],
        objectType="annotation",
        name=f"{name} called {i + 1}",
        classification=named_class(CALLED_CLASS, _CALLED_RGB),
        isLocked=True,
    )
