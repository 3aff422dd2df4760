"""Histogram and calibration plot of the probabilities; each bar and point can be opened."""

import hashlib
import json
from typing import Any

import numpy as np
import streamlit as st

from idc.evaluation.patch_selection import HISTOGRAM_BINS
from idc.evaluation.results import Results
from idc.metrics.calibration import bin_indices, reliability_table
from idc.patches import CLASS_NAMES, target_name
from idc.ui.components.own_component import own_component

_view = own_component(__file__, "plot")


def probability_plot(
    predictions_id: str,
    plots: dict[str, Any],
    *,
    key: str,
    class_names: tuple[str, str] = CLASS_NAMES,
) -> dict[str, Any] | None:
    """Show both plots and return the open bar or point.

    Args:
        predictions_id: `idc.ui.evaluate.browser_predictions.predictions_id`.
        plots: `plot_data`.
        class_names: of the negative and the positive class.

    Returns:
        {"kind": "bar", "bin", "label"} or {"kind": "point", "bin"}; None where nothing is open.
    """
    opened = _opened(st.session_state.get(key, {}).get("pick"), predictions_id, plots)
    _view(
        key=key,
        data={
            "predictions_id": predictions_id,
            "open": opened,
            "class_names": class_names,
            "target": target_name(class_names),
            **plots,
        },
        default={"pick": None},
        on_pick_change=lambda: None,
    )
    return opened


def plot_data(results: Results) -> dict[str, Any]:
    """The data of both plots.

    Returns:
        "histogram": [negative, positive] patches of each bin; "calibration": bin, y_prob,
        positive_share and patches of each of its points; "content": a digest of both.
    """
    bars = 2 * bin_indices(results.y_prob, HISTOGRAM_BINS) + results.y_true
    counts = np.bincount(bars, minlength=2 * HISTOGRAM_BINS).reshape(-1, 2).tolist()
    points = reliability_table(results.y_true, results.y_prob).reset_index().to_dict("records")
    drawn = {"histogram": counts, "calibration": points}
    content = hashlib.blake2b(json.dumps(drawn).encode(), digest_size=8).hexdigest()
    return {**drawn, "content": content}


def _opened(pick: Any, predictions_id: str, plots: dict[str, Any]) -> dict[str, Any] | None:
    """The bar or point that the browser reports, if it belongs to these predictions and exists."""
    if not isinstance(pick, dict) or pick.get("predictions_id") != predictions_id:
        return None
    chosen = pick.get("chosen")
    bars = [
        {"kind": "bar", "bin": number, "label": label}
        for number in range(len(plots["histogram"]))
        for label in (0, 1)
    ]
    points = [{"kind": "point", "bin": point["bin"]} for point in plots["calibration"]]
    return chosen if chosen in bars or chosen in points else None
