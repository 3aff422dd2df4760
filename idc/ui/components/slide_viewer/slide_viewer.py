"""The slide viewer: a picture to pan and zoom like a map, with a run's answers laid over it.

The picture travels once, and the answers as one number a cell. Layers, threshold, opacity, zoom
and hovering are drawn in the browser (``slide_viewer.js``); Python is asked only when a
cell is picked. What the picture is does not matter here: a stitched case, a watched slide that
gets new answers after each epoch, a region of somebody's own.
"""

import base64
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import streamlit as st

from idc.imaging.outline import Polygon
from idc.patches import MPP_UM
from idc.ui.components.own_component import own_component

_JPEG_QUALITY = 90
_UNKNOWN = -1
KEEP_PICK = -2  # for ``picked``: what somebody picked stays, as long as the same picture is shown

_view = own_component(__file__, "choices")


@dataclass(frozen=True)
class Picture:
    """A picture as the browser takes it.

    Attributes:
        uri: a data URI.
        digest: of the pixels; another picture, another digest.
    """

    uri: str
    width: int
    height: int
    digest: str


@dataclass(frozen=True)
class Cells:
    """The patches of a picture.

    Attributes:
        ids: int, shape (n,), distinct: what a pick returns, such as row numbers of a store.
        boxes: int, shape (n, 4): x, y, width, height in px of the picture, below 65,536.
        labels: int {0, 1}, shape (n,); None where the truth is unknown.
        origin: (x, y) that the picture's upper left pixel has in the names shown to people.
        places: int, shape (n, 2): x, y of each cell in those names, where the picture is shrunk;
            None takes them from `boxes` and `origin`.
    """

    ids: np.ndarray
    boxes: np.ndarray
    labels: np.ndarray | None = None
    origin: tuple[int, int] = (0, 0)
    places: np.ndarray | None = None


def jpeg_picture(rgb: np.ndarray) -> Picture:
    """Encode a picture; a large slide takes 0.15 s, so keep the result.

    Args:
        rgb: uint8 RGB, shape (height, width, 3).
    """
    # Colours at full resolution: nuclei are a few pixels wide.
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
    mpp_um: float = MPP_UM,
    predictions_id: str | None = None,
    timeline_id: str | None = None,
    sync_group: str | None = None,
    labels_layer: bool = False,
) -> int | None:
    """Show a picture and return the id of the cell that is picked in it.

    Layers offered: tissue; with `values` a heat map; with labels too, right and wrong answers at
    the threshold; with two sets of values, where they disagree. A rerun with the same arguments
    sends nothing, and new `values` keep the zoom.

    Args:
        title: what it shows, for screen readers and saved pictures: "Case 8863".
        values: name -> probability of IDC, float [0, 1], shape (n,); nan where there is none.
            At most two are compared, the first ones.
        outlines: the true region, in px of the picture.
        picked: the id to mark, as the last call returned it; another one marks that cell instead.
        gap_note: what it means where no cell lies, for the legend.
        hatch_gaps: draw gaps hatched, because tissue may be missing there.
        clip_to_cells: show only the part of the picture inside cells; False shows all of it.
        threshold: where the slider begins, and goes when this changes.
        thresholds: name -> from which value on each of `values` calls a cell positive, where not
            from `threshold` on. Each has its own until the slider is moved; then all have its.
        mpp_um: micrometre per px, for the scale bar.
        predictions_id: `idc.ui.evaluate.browser_predictions.predictions_id` of the predictions
            whose threshold the viewer follows, in place of its own slider.
        timeline_id: that of the `idc.ui.train.time_slider` whose frame replaces the first of
            `values`.
        sync_group: a name that small viewers of one picture share: they move together, and layers,
            sliders and readout come with full screen alone.
        labels_layer: offer the labels as a layer and start with it.
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
            "mpp_um": mpp_um,
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
            "board": predictions_id,
            "film": timeline_id,
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
    """The cell that Python told the browser to mark, and what the caller knows.

    `number` counts how often it was told, so that a pick made before the last time is not believed.
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
    if picked != last.returned:  # the caller changed it: a link, another slide, the back button
        mark = _Mark(last.number + 1, picked, picked, display_id)
    else:
        pick = _valid_pick(
            st.session_state.get(key, {}).get("pick"), display_id, last.number, cells
        )
        mark = _Mark(last.number, last.id, last.returned if pick is None else pick, display_id)
    st.session_state[state_key] = mark
    return mark


def _valid_pick(pick: Any, display_id: str, number: int, cells: Cells) -> int | None:
    """What the browser says, if it names a cell of this very showing."""
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
    """Base64 of the little-endian values, as a typed array reads them."""
    little = np.asarray(array).astype(np.dtype(dtype).newbyteorder("<"))
    return base64.b64encode(little.tobytes()).decode("ascii")


def _display_id(picture: Picture, cells: Cells) -> str:
    """A name for picture and cells: the zoom and a pick belong to it."""
    places = np.column_stack([cells.ids, cells.boxes]).astype(np.int64).tobytes()
    return hashlib.blake2b(picture.digest.encode() + places, digest_size=8).hexdigest()
