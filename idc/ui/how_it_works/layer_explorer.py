"""Every layer of a network on one patch: maps, filters, and what each value looked at."""

import base64
import hashlib
import json

import numpy as np

from idc.patches import CLASS_NAMES
from idc.prediction.layer_views import LayerViews
from idc.runs.run import Run
from idc.ui.components.own_component import own_component

_view = own_component(__file__, "pixels")


def layer_explorer(patch: np.ndarray, views: LayerViews, run: Run, *, key: str) -> None:
    """Show it. Everything happens in the browser.

    Args:
        patch: uint8 RGB, shape (50, 50, 3).
        run: whose network it is; another one begins at its first convolution.
    """
    said = json.dumps(views.entries).encode() + views.block
    _view(
        key=key,
        data={
            "patch": base64.b64encode(patch.tobytes()).decode("ascii"),
            "layers": views.entries,
            "block": base64.b64encode(views.block).decode("ascii"),
            "classes": list(CLASS_NAMES),
            "network": run.id,
            "note": _note(run, views),
            "content": hashlib.blake2b(said, digest_size=8).hexdigest(),
        },
    )


def _note(run: Run, views: LayerViews) -> str:
    """What still happens to the answer before Predict shows it; empty when nothing does."""
    raw = views.probability()
    shown = float(run.calibration().apply(np.array([raw], np.float32))[0])
    if f"{raw:.1%}" == f"{shown:.1%}":
        return ""
    return (
        f"This model's answers are then calibrated on cases that it has not seen, so that Predict "
        f"shows {shown:.1%} for this patch."
    )
