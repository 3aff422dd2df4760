"""A filter that slides over a patch, with its products and their sum at each position."""

import base64
from typing import Any

import numpy as np

from idc.networks.receptive_field import window_stops
from idc.prediction.layer_views import LayerViews
from idc.ui.components.own_component import own_component

# Weights row by row. The browser uses the names.
PRESETS = (
    {
        "name": "edges",
        "title": "Edges",
        "weights": [-1, -1, -1, -1, 8, -1, -1, -1, -1],
        "about": "Eight times the middle pixel minus its eight neighbours. The sum is 0 on an even "
        "area and differs from 0 at an edge, such as the rim of a nucleus.",
    },
    {
        "name": "upright",
        "title": "Vertical edges",
        "weights": [-1, 0, 1, -2, 0, 2, -1, 0, 1],
        "about": "The right side minus the left side (Sobel filter): positive where dark turns to "
        "light from left to right, negative where light turns to dark.",
    },
    {
        "name": "blur",
        "title": "Blur",
        "weights": [1 / 9] * 9,
        "about": "The average of the nine pixels, which removes fine detail.",
    },
    {
        "name": "sharpen",
        "title": "Sharpen",
        "weights": [0, -1, 0, -1, 5, -1, 0, -1, 0],
        "about": "The middle pixel plus its difference from its four neighbours.",
    },
)

_view = own_component(__file__, "pixels")


def filter_walk(patch: np.ndarray, learned: dict[str, Any] | None, *, key: str) -> None:
    """Show the filter. All interaction happens in the browser.

    Args:
        patch: uint8 RGB, shape (side, side, 3).
        learned: result of `learned_filters`; None without a network.
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
    """A network's first filters, in the form that the browser slides over a patch.

    Args:
        title: name of the network.

    Returns:
        None if the network does not start with a scaling and a convolution of the colours.
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
    """Stride and padding of the first filters, and the scaling of the colours before them."""
    entry = next(entry for entry in views.entries if "filters" in entry)
    sent = entry["filters"]
    side, before = window_stops(
        views.entries[0]["shape"][0], sent["shape"][0], sent["stride"], sent["padding"]
    )
    return {
        "size": sent["shape"][0],
        "stride": sent["stride"],
        "before": before,
        "side": side,
        "scale": views.entries[0]["scale"],
        "shift": views.entries[0]["shift"],
    }
