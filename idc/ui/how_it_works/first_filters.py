"""The first filters of a network after each epoch."""

import base64
import hashlib
from typing import Any

import numpy as np

from idc.runs.first_filters import FirstFilters
from idc.ui.components.own_component import own_component

_view = own_component(__file__, "pixels")


def first_filters_timeline(
    kept: FirstFilters, patch: np.ndarray | None, window: dict[str, Any] | None, *, key: str
) -> None:
    """Show the filters. All interaction happens in the browser.

    Args:
        kept: saved filters of a network that starts with a convolution of the three colours.
        patch: uint8 RGB, shape (side, side, 3), for the filters' responses; None omits them.
        window: result of `idc.ui.how_it_works.filter_walk.first_window`, required with a patch.
    """
    largest = float(np.abs(kept.kernels).max()) or 1.0
    levels = (kept.kernels / largest * 127 + 128).round().astype(np.uint8).tobytes()
    shown = levels + (patch.tobytes() if patch is not None else b"")
    _view(
        key=key,
        data={
            "epochs": list(kept.epochs),
            "shape": list(kept.kernels.shape[1:]),
            "kernels": base64.b64encode(levels).decode("ascii"),
            "largest": largest,
            "content": hashlib.blake2b(shown, digest_size=8).hexdigest(),
            **_patch_data(patch, window),
        },
    )


def _patch_data(patch: np.ndarray | None, window: dict[str, Any] | None) -> dict[str, Any]:
    if patch is None or window is None:
        return {"patch": None}
    return {"patch": base64.b64encode(patch.tobytes()).decode("ascii"), **window}
