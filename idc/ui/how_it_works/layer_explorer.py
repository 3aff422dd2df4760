"""Every layer of a network on one patch: maps, filters and the input of each value."""

import base64
import hashlib
import json

import numpy as np

from idc.prediction.layer_views import LayerViews
from idc.runs.run import Run
from idc.ui.components.own_component import own_component

_view = own_component(__file__, "pixels", "layer_colours")


def layer_explorer(patch: np.ndarray, views: LayerViews, run: Run, *, key: str) -> None:
    """Show the layers. All interaction happens in the browser.

    Args:
        patch: uint8 RGB, shape (side, side, 3).
        run: owner of the network; a new network opens at its first convolution.
    """
    content = json.dumps(views.entries).encode() + views.block
    _view(
        key=key,
        data={
            "patch": base64.b64encode(patch.tobytes()).decode("ascii"),
            "layers": views.entries,
            "block": base64.b64encode(views.block).decode("ascii"),
            "classes": list(run.description().class_names),
            "network": run.id,
            "note": _note(run, views),
            "content": hashlib.blake2b(content, digest_size=8).hexdigest(),
        },
    )


def _note(run: Run, views: LayerViews) -> str:
    """A note on the calibration that Predict applies afterwards; "" if it changes nothing."""
    raw = views.probability()
    shown = float(run.calibration().apply(np.array([raw], np.float32))[0])
    if f"{raw:.1%}" == f"{shown:.1%}":
        return ""
    return (
        "Predict calibrates this model's answers on cases that it did not train on, and shows "
        f"{shown:.1%} for this patch."
    )
