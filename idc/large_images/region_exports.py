"""Export the predictions for a region: CSV, and GeoJSON for QuPath.

All coordinates are px of the original image (of a whole slide: at full resolution, level 0). CSV
counts from the upper left corner of the whole image, and says so in its column ``frame``. GeoJSON
counts as QuPath does, from the corner of the slide's bounds where the file states them
(`idc.large_images.frames`). In QuPath, open that image and drop the GeoJSON file on it.
"""

import csv
import io
import json
from typing import Any

import numpy as np

from idc.datasets.description import KAGGLE_DESCRIPTION, DataDescription
from idc.files.spreadsheets import spreadsheet_safe
from idc.imaging.geojson import box_ring, closed_ring, feature, label_class, named_class
from idc.imaging.outline import Polygon, cell_outlines
from idc.large_images.annotation_summary import annotation_summaries
from idc.large_images.frames import BOUNDS, LEVEL_0, qupath_origin_px
from idc.large_images.region import RegionLayout, RegionPredictions, cell_boxes

_PREDICTED_RGB = (213, 94, 0)

COLUMNS = (
    "x_px",
    "y_px",
    "width_px",
    "height_px",
    "is_tissue",
    "y_prob",
    "y_pred",
    "frame",
    "annotation",
    "warning",
)


def region_csv(answers: RegionPredictions, threshold: float, warning: str = "") -> str:
    """One row per cell, including background, where the prediction is empty.

    With annotations, one row per cell inside them. Their names are untrusted: none is left that a
    spreadsheet would execute as a formula.

    Args:
        warning: why the predictions are unreliable, see `idc.large_images.region_warnings`; stands
            in every row with a prediction.
    """
    layout = answers.layout
    within = layout.reported
    boxes = cell_boxes(layout.x_edges_px, layout.y_edges_px)[within]
    labels = cell_labels(layout)[within]
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(COLUMNS)
    y_probs = answers.cells()[within].tolist()
    for box, y_prob, label in zip(boxes.tolist(), y_probs, labels, strict=True):
        known = not np.isnan(y_prob)
        answer = [f"{y_prob:.6f}", int(y_prob >= threshold)] if known else ["", ""]
        texts = [spreadsheet_safe(label), spreadsheet_safe(warning if known else "")]
        writer.writerow([*box, int(known), *answer, LEVEL_0, *texts])
    return file.getvalue()


def cell_labels(layout: RegionLayout) -> np.ndarray:
    """object, shape (rows, columns): the annotation of each cell, "" without one."""
    if layout.annotated is None:
        return np.full(layout.tissue.shape, "", object)
    return layout.annotated.labels()


def predicted_class(about: DataDescription = KAGGLE_DESCRIPTION) -> str:
    """The class of the predicted region's outlines."""
    return f"{about.target} region (predicted)"


def region_geojson(
    answers: RegionPredictions,
    *,
    name: str,
    model: str,
    threshold: float,
    about: DataDescription = KAGGLE_DESCRIPTION,
) -> str:
    """A feature collection: one tile per cell with tissue, and outlines of the predicted region.

    In QuPath's frame. A cell that begins before the bounds has negative coordinates. With
    annotations only the cells inside; a tile's ``metadata`` names its annotation, and the
    collection's ``properties`` sum up each.

    Args:
        name: of the image; identifiers depend only on it and on the position.
        model: the run's title.
        threshold: positive at or above it.
        about: what the run's data set holds; its class names name the tiles' classes.
    """
    layout, cells = answers.layout, answers.cells()
    origin = qupath_origin_px(layout.bounds_px)
    boxes = layout.boxes_px() - [*origin, 0, 0]
    labels = cell_labels(layout)[layout.tissue]
    tiles = [
        _tile(name, box, float(y_prob), model, threshold, label, about)
        for box, y_prob, label in zip(boxes, cells[layout.tissue], labels, strict=True)
    ]
    outlines = [
        _outline(name, i, polygon.moved(-origin), predicted_class(about))
        for i, polygon in enumerate(predicted_outlines(answers, threshold))
    ]
    _, _, width_px, height_px = layout.bounds_px or (0, 0, layout.width_px, layout.height_px)
    collection = {
        "type": "FeatureCollection",
        "features": outlines + tiles,
        "properties": {
            "image": name,
            "model": model,
            "threshold": threshold,
            "frame": BOUNDS if layout.bounds_px else LEVEL_0,
            "origin_px": origin.tolist(),
            "width_px": width_px,
            "height_px": height_px,
            "um_per_px": layout.mpp_um,
            "annotations": [one.to_json() for one in annotation_summaries(answers, threshold)],
        },
    }
    return json.dumps(collection, allow_nan=False)


def predicted_outlines(answers: RegionPredictions, threshold: float) -> list[Polygon]:
    """Outlines of all cells called positive, in px of the original image."""
    layout = answers.layout
    return [
        Polygon(_px(layout, polygon.exterior), tuple(_px(layout, hole) for hole in polygon.holes))
        for polygon in cell_outlines(answers.predicted_positive(threshold))
    ]


def _px(layout: RegionLayout, ring: np.ndarray) -> np.ndarray:
    return np.stack([layout.x_edges_px[ring[:, 0]], layout.y_edges_px[ring[:, 1]]], axis=1)


def _tile(
    name: str,
    box: np.ndarray,
    y_prob: float,
    model: str,
    threshold: float,
    annotation: str,
    about: DataDescription,
) -> dict[str, Any]:
    metadata = {"metadata": {"annotation": annotation}} if annotation else {}
    place = f"{name}_x{box[0]}_y{box[1]}"
    return feature(
        place,
        [box_ring(box)],
        objectType="tile",
        name=place,
        classification=label_class(int(y_prob >= threshold), about.class_names),
        measurements={f"Probability of {about.target}: {model}": round(y_prob, 6)},
        **metadata,
    )


def _outline(name: str, i: int, polygon: Polygon, class_name: str) -> dict[str, Any]:
    return feature(
        f"{name}_called{i}",
        [closed_ring(ring) for ring in polygon.rings],
        objectType="annotation",
        name=f"{name} called {i + 1}",
        classification=named_class(class_name, _PREDICTED_RGB),
        isLocked=True,
    )
