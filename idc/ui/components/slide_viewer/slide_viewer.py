"""The slide viewer: an image to pan and zoom like a map, with a run's predictions as layers.

The image travels once, and the predictions as one number per cell. Layers, threshold, opacity, zoom
and hovering are drawn in the browser (``slide_viewer.js``); only a pick reruns the script. The
image may be a stitched case, a watched slide whose predictions change after each epoch, or an
uploaded region.
"""

import base64
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import streamlit as st

from idc.datasets.description import KAGGLE_DESCRIPTION, DataDescription
from idc.imaging.outline import Polygon
from idc.ui.components.own_component import own_component

_JPEG_QUALITY = 90
_UNKNOWN = -1
KEEP_PICK = -2  # for ``picked``: keep the visitor's pick while the same image is shown

_view = own_component(__file__, "choices")


@dataclass(frozen=True)
class Picture:
    """An encoded image.

    Attributes:
        uri: a data URI.
        digest: identifies the pixels.
    """

    uri: str
    width: int
    height: int
    digest: str


@dataclass(frozen=True)
class Cells:
    """The patches of an image.

    Attributes:
        ids: int, shape (n,), distinct: returned by a pick, such as row numbers of a store.
        boxes: int, shape (n, 4): x, y, width, height in px of the image, below 65,536.
        labels: int {0, 1}, shape (n,); None if they are unknown.
        origin: (x, y) of the image's upper left pixel in the displayed coordinates.
        places: int, shape (n, 2): displayed x, y of each cell, for a shrunk image; None computes
            them from `boxes` and `origin`.
    """

    ids: np.ndarray
    boxes: np.ndarray
    labels: np.ndarray | None = None
    origin: tuple[int, int] = (0, 0)
    places: np.ndarray | None = None


def jpeg_picture(rgb: np.ndarray) -> Picture:
    """Encode an image as JPEG. A large slide takes 0.15 s, so cache the result.

    Args:
        rgb: uint8 RGB, shape (height, width, 3).
    """
    # No chroma subsampling: nuclei are only a few pixels wide.
    quality = [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY]
    quality += [cv2.IMWRITE_JPEG_SAMPLING_FACTOR, cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444]
    _, jpeg = cv2.imencode(".jpg", cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR), quality)
    uri = "data:image/jpeg;base64," + base64.b64encode(jpeg.tobytes()).decode("ascii")
    height, width = rgb.shape[:2]
    return Picture(uri, width, height, hashlib.blake2b(jpeg.tobytes(), digest_size=8).hexdigest())


def slide_viewer(
    picture: Picture,
    cells: Cells,
    *,
    key: str,
    title: str,
    values: Mapping[str, np.ndarray] | None = None,
    outlines: Sequence[Polygon] = (),
    picked: int | None = None,
    gap_note: str = "",
    hatch_gaps: bool = False,
    clip_to_cells: bool = True,
    threshold: float = 0.5,
    thresholds: Mapping[str, float] | None = None,
    mpp_um: float | None = None,
    description: DataDescription = KAGGLE_DESCRIPTION,
    predictions_id: str | None = None,
    timeline_id: str | None = None,
    sync_group: str | None = None,
    labels_layer: bool = False,
) -> int | None:
    """Show an image and return the id of the picked cell.

    Layers: tissue; with `values`, a heat map; with labels too, right and wrong predictions at the
    threshold; with two sets of values, the cells on which they disagree. A rerun with the same
    arguments sends nothing, and new `values` keep the zoom.

    Args:
        title: for screen readers and saved images: "Case 8863".
        values: name -> probability of the positive class, float [0, 1], shape (n,); nan where
            there is none. Only the first two are compared.
        outlines: of the positive labels, in px of the image.
        picked: the id to mark: the one that the last call returned, or another one to replace it.
        gap_note: the legend's text for areas without a cell.
        hatch_gaps: hatch areas without a cell, because tissue may be missing there.
        clip_to_cells: show only the parts of the image inside cells.
        threshold: initial value of the slider, which also follows its changes.
        thresholds: name -> threshold of that entry of `values`, where it differs from
            `threshold`. Each applies until the visitor moves the slider.
        mpp_um: micrometres per px, for the scale bar, where it is not the data set's.
        description: of the data set: class names and scale.
        predictions_id: the `idc.ui.evaluate.browser_predictions` whose threshold replaces the
            viewer's own slider.
        timeline_id: the `idc.ui.train.time_slider` whose frame replaces the first of `values`.
        sync_group: a name shared by small viewers of one image that pan and zoom together; they
            show layers, sliders and readout only in full screen.
        labels_layer: offer the labels as a layer and show it first.
    """
    values, thresholds = dict(values or {}), thresholds or {}
    _check(cells, values)
    display_id = _display_id(picture, cells)
    mark = _mark(key, display_id, cells, picked)
    _view(
        key=key,
        data={
            "memory": key,
            "showing": display_id,
            "title": title,
            "image": picture.uri,
            "width": picture.width,
            "height": picture.height,
            "mpp_um": description.mpp_um if mpp_um is None else mpp_um,
            "class_names": list(description.class_names),
            "target": description.target,
            "origin": list(cells.origin),
            "ids": _base64_values(cells.ids, np.int32),
            "boxes": _base64_values(cells.boxes, np.uint16),
            "places": None if cells.places is None else _base64_values(cells.places, np.int32),
            "labels": _base64_values(_labels(cells), np.int8),
            "values": [
                {
                    "name": name,
                    "data": _base64_values(array, np.float32),
                    "threshold": thresholds.get(name, threshold),
                }
                for name, array in values.items()
            ],
            "outlines": [ring.ravel().tolist() for area in outlines for ring in area.rings],
            "gap_note": gap_note,
            "hatch_gaps": hatch_gaps,
            "only_cells": clip_to_cells,
            "threshold": threshold,
            "thresholds": [threshold, *thresholds.values()],
            "predictions_id": predictions_id,
            "timeline_id": timeline_id,
            "beside": sync_group,
            "truth": labels_layer,
            "mark": {"id": mark.id, "number": mark.number},
        },
        default={"pick": None},
        on_pick_change=lambda: None,
    )
    return mark.returned


@dataclass(frozen=True)
class _Mark:
    """The cell that Python asked the browser to mark, and the id last returned to the caller.

    `number` counts these requests, so that a pick made before the latest one is rejected.
    """

    number: int = 0
    id: int | None = None
    returned: int | None = None
    display_id: str = ""


def _mark(key: str, display_id: str, cells: Cells, picked: int | None) -> _Mark:
    state_key = f"{key}-mark"
    last = st.session_state.get(state_key, _Mark())
    if picked == KEEP_PICK:
        picked = last.returned if last.display_id == display_id else None
    if picked is not None and not (cells.ids == picked).any():
        picked = None
    if picked != last.returned:  # changed by a link, another slide, the Back button
        mark = _Mark(last.number + 1, picked, picked, display_id)
    else:
        pick = _valid_pick(
            st.session_state.get(key, {}).get("pick"), display_id, last.number, cells
        )
        mark = _Mark(last.number, last.id, last.returned if pick is None else pick, display_id)
    st.session_state[state_key] = mark
    return mark


def _valid_pick(pick: Any, display_id: str, number: int, cells: Cells) -> int | None:
    """The id that the browser sent, if it names a cell of the current display."""
    if not isinstance(pick, dict) or (pick.get("showing"), pick.get("mark")) != (
        display_id,
        number,
    ):
        return None
    return next((cell for cell in cells.ids.tolist() if cell == pick.get("id")), None)


def _check(cells: Cells, values: Mapping[str, np.ndarray]) -> None:
    n = len(cells.ids)
    if cells.boxes.shape != (n, 4):
        raise ValueError(f"boxes must have shape ({n}, 4). Received: {cells.boxes.shape}")
    if n and not 0 <= cells.boxes.min() <= cells.boxes.max() < 2**16:
        raise ValueError("boxes must lie in [0, 65535] px: x, y, width, height")
    for name, array in values.items():
        if array.shape != (n,):
            raise ValueError(f"values of '{name}' must have shape ({n},). Received: {array.shape}")


def _labels(cells: Cells) -> np.ndarray:
    return np.full(len(cells.ids), _UNKNOWN) if cells.labels is None else cells.labels


def _base64_values(array: np.ndarray, dtype: type) -> str:
    """Base64 of the values in little-endian order, for a JavaScript typed array."""
    little = np.asarray(array).astype(np.dtype(dtype).newbyteorder("<"))
    return base64.b64encode(little.tobytes()).decode("ascii")


def _display_id(picture: Picture, cells: Cells) -> str:
    """An id of image and cells, to which the zoom and a pick belong."""
    places = np.column_stack([cells.ids, cells.boxes]).astype(np.int64).tobytes()
    return hashlib.blake2b(picture.digest.encode() + places, digest_size=8).hexdigest()
