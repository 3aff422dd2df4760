"""Exports of a stitched slide: PNG, and GeoJSON of its patches for QuPath.

Both use px of the stitched slide: x runs right and y down from the image's upper left corner, 4 um
per pixel. To see the patches in QuPath (0.4 or newer), open the
PNG, set the pixel size to 4 um, and drop the GeoJSON file on it. A patch named x, y in the data
set lies at (x - left, y - top); ``left`` and ``top`` are in the GeoJSON's ``properties``.
"""

import json
from collections.abc import Mapping
from typing import Any

import cv2
import numpy as np

from idc.datasets.stitched_slide import StitchedSlide, stitch_slide
from idc.datasets.store import PatchStore
from idc.imaging.geojson import box_ring, closed_ring, feature, label_class, named_class
from idc.imaging.outline import Polygon

OUTLINE_CLASS = "IDC region (labels)"
_OUTLINE_RGB = (0, 229, 255)


def slide_png(store: PatchStore, slide: StitchedSlide) -> bytes:
    """The stitched slide, lossless, at full size, transparent in gaps."""
    alpha = np.where(slide.coverage_mask(), np.uint8(255), np.uint8(0))
    bgra = np.dstack([stitch_slide(store, slide)[..., ::-1], alpha])
    # Level 1: a third larger than level 9, in a tenth of the time.
    _, png = cv2.imencode(".png", bgra, [cv2.IMWRITE_PNG_COMPRESSION, 1])
    return png.tobytes()


def slide_geojson(slide: StitchedSlide, probabilities: Mapping[str, np.ndarray]) -> str:
    """A feature collection: one tile per patch, and the outlines of the IDC-positive ones.

    A tile has a class (its label's name and colour) and a measurement "Probability of IDC: RUN" for
    each run with a prediction; an outlined region is an annotation. Identifiers depend on case and
    place only, so a second import replaces the first.

    Args:
        probabilities: run's title -> [0, 1], shape (n,) in the order of `StitchedSlide.rows`; nan
            without a prediction.
    """
    tiles = [
        _tile(slide, i, {name: float(values[i]) for name, values in probabilities.items()})
        for i in range(len(slide.rows))
    ]
    regions = [_region(slide, i, polygon) for i, polygon in enumerate(slide.outlines())]
    collection = {
        "type": "FeatureCollection",
        "features": regions + tiles,
        "properties": {
            "case": slide.case,
            "left": slide.left,
            "top": slide.top,
            "width_px": slide.width,
            "height_px": slide.height,
            "um_per_px": slide.mpp_um,
        },
    }
    return json.dumps(collection, allow_nan=False)


def _tile(slide: StitchedSlide, i: int, probabilities: dict[str, float]) -> dict[str, Any]:
    x, y = slide.boxes[i, :2].tolist()
    label = int(slide.labels[i])
    name = f"{slide.case}_x{slide.left + x}_y{slide.top + y}"
    return feature(
        name,
        [box_ring(slide.boxes[i])],
        objectType="tile",
        name=name,
        classification=label_class(label),
        measurements={
            f"Probability of IDC: {run}": round(p, 6)
            for run, p in probabilities.items()
            if not np.isnan(p)
        },
    )


def _region(slide: StitchedSlide, i: int, polygon: Polygon) -> dict[str, Any]:
    return feature(
        f"{slide.case}_region{i}",
        [closed_ring(ring) for ring in polygon.rings],
        objectType="annotation",
        name=f"{slide.case} region {i + 1}",
        classification=named_class(OUTLINE_CLASS, _OUTLINE_RGB),
        isLocked=True,
    )
