"""Exports of a stitched slide: PNG, and GeoJSON of its patches for QuPath.

Both use px of the stitched slide: x runs right and y down from the image's upper left corner. To
see the patches in QuPath (0.4 or newer), open the PNG, set the pixel size to the data set's (4 um
in the Kaggle set), and drop the GeoJSON file on it. A patch named x, y in the data set lies at
(x - left, y - top); ``left`` and ``top`` are in the GeoJSON's ``properties``.
"""

import json
from collections.abc import Mapping
from typing import Any

import cv2
import numpy as np

from idc.datasets.description import KAGGLE_DESCRIPTION, DataDescription
from idc.datasets.stitched_slide import StitchedSlide, stitch_slide
from idc.datasets.store import PatchStore
from idc.imaging.geojson import box_ring, closed_ring, feature, label_class, named_class
from idc.imaging.outline import Polygon

_OUTLINE_RGB = (0, 229, 255)


def slide_png(store: PatchStore, slide: StitchedSlide) -> bytes:
    """The stitched slide, lossless, at full size, transparent in gaps."""
    alpha = np.where(slide.coverage_mask(), np.uint8(255), np.uint8(0))
    bgra = np.dstack([stitch_slide(store, slide)[..., ::-1], alpha])
    # Level 1: a third larger than level 9, in a tenth of the time.
    _, png = cv2.imencode(".png", bgra, [cv2.IMWRITE_PNG_COMPRESSION, 1])
    return png.tobytes()


def slide_geojson(
    slide: StitchedSlide,
    probabilities: Mapping[str, np.ndarray],
    description: DataDescription = KAGGLE_DESCRIPTION,
) -> str:
    """A feature collection: one tile per patch, and the outlines of the positive ones.

    A tile has a class (its label's name and colour) and a measurement "Probability of IDC: RUN" for
    each run with a prediction; an outlined region is an annotation. Identifiers depend on case and
    place only, so a second import replaces the first.

    Args:
        probabilities: run's title -> [0, 1], shape (n,) in the order of `StitchedSlide.rows`; nan
            without a prediction.
        description: of the slide's data set: names of classes and cases.
    """
    tiles = [
        _tile(
            slide,
            i,
            {name: float(values[i]) for name, values in probabilities.items()},
            description,
        )
        for i in range(len(slide.rows))
    ]
    regions = [
        _region(slide, i, polygon, description) for i, polygon in enumerate(slide.outlines())
    ]
    scale = {} if slide.mpp_um is None else {"um_per_px": slide.mpp_um}
    case = description.case_name(slide.case) if description.case_names else slide.case
    collection = {
        "type": "FeatureCollection",
        "features": regions + tiles,
        "properties": {
            "case": case,
            "left": slide.left,
            "top": slide.top,
            "width_px": slide.width,
            "height_px": slide.height,
            **scale,
        },
    }
    return json.dumps(collection, allow_nan=False)


def _tile(
    slide: StitchedSlide, i: int, probabilities: dict[str, float], description: DataDescription
) -> dict[str, Any]:
    x, y = slide.boxes[i, :2].tolist()
    label = int(slide.labels[i])
    name = f"{description.case_name(slide.case)}_x{slide.left + x}_y{slide.top + y}"
    return feature(
        name,
        [box_ring(slide.boxes[i])],
        objectType="tile",
        name=name,
        classification=label_class(label, description.class_names),
        measurements={
            f"Probability of {description.target}: {run}": round(p, 6)
            for run, p in probabilities.items()
            if not np.isnan(p)
        },
    )


def _region(
    slide: StitchedSlide, i: int, polygon: Polygon, description: DataDescription
) -> dict[str, Any]:
    case = description.case_name(slide.case)
    return feature(
        f"{case}_region{i}",
        [closed_ring(ring) for ring in polygon.rings],
        objectType="annotation",
        name=f"{case} region {i + 1}",
        classification=named_class(f"{description.target} region (labels)", _OUTLINE_RGB),
        isLocked=True,
    )
