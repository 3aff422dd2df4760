"""A filter that slides over a patch, place by place, with its products and their sum."""

import base64
from typing import Any

import numpy as np

from idc.networks.receptive_field import window_stops
from idc.prediction.layer_views import LayerViews
from idc.ui.components.own_component import own_component

# Weights row by row. The names are the browser's.
PRESETS = (
    {
        "name": "edges",
        "title": "Edges",
        "weights": [-1, -1, -1, -1, 8, -1, -1, -1, -1],
        "about": "Eight times the middle, less its eight neighbours. On an even area the sum is 0; "
        "at an edge, such as the rim of a nucleus, it is not.",
    },
    {
        "name": "upright",
        "title": "Upright edges",
        "weights": [-1, 0, 1, -2, 0, 2, -1, 0, 1],
        "about": "The right side less the left one (Sobel's filter): it finds where dark turns to "
        "light from left to right, and the other way round with the other sign.",
    },
    {
        "name": "blur",
        "title": "Blur",
        "weights": [1 / 9] * 9,
        "about": "A ninth of each of the nine pixels: their average. Fine detail is gone.",
    },
    {
        "name": "sharpen",
        "title": "Sharpen",
        "weights": [0, -1, 0, -1, 5, -1, 0, -1, 0],
        "about": "The middle and, once more, how it differs from its four neighbours.",
    },
)

_view = own_component(__file__, "pixels")


def filter_walk(patch: np.ndarray, learned: dict[str, Any] | None, *, key: str) -> None:
    """Show it. Everything happens in the browser.

    Args:
        patch: uint8 RGB, shape (50, 50, 3).
        learned: `learned_filters`, if a network is at hand.
    """
    _view(
        key=key,
        data={
            "patch": base64.b64encode(patch.tobytes()).decode("ascii"),
            "presets": list(PRESETS),
            "learned": learned,
        },
    )


def learned_filters(views: LayerViews, title: str) -> dict[str, Any] | None:
    """A network's first filters, as the browser lays them over a patch.

    Args:
        title: whose they are.

    Returns:
        None where the network does not begin with a scaling and a convolution of the colours.
    """
    kernels = views.first_filters()
    if kernels is None or kernels.shape[1] != 3 or "scale" not in views.entries[0]:
        return None
    return {
        "title": title,
        "filters": kernels.reshape(len(kernels), 3, -1).round(5).tolist(),
        **first_window(views),
    }


def first_window(views: LayerViews) -> dict[str, Any]:
    """How the first filters move over a patch, and how its colours are scaled before."""
    entry = next(entry for entry in views.entries if "filters" in entry)
    sent = entry["filters"]
    side, before = window_stops(50, sent["shape"][0], sent["stride"], sent["padding"])
    return {
        "size": sent["shape"][0],
        "stride": sent["stride"],
        "before": before,
        "side": side,
        "scale": views.entries[0]["scale"],
        "shift": views.entries[0]["shift"],
    }
