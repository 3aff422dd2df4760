"""ROC and precision-recall curves with the current threshold and the published results."""

from typing import Any

import numpy as np

from idc.evaluation.curve_points import published_iso_lines, thinned_curves
from idc.evaluation.results import Results
from idc.ui.components.own_component import own_component

_view = own_component(__file__, "plot")


def curve_plot(predictions_id: str, drawn: dict[str, Any], *, key: str) -> None:
    """Show both curves.

    Args:
        predictions_id: `idc.ui.evaluate.browser_predictions.predictions_id`.
        drawn: `curve_data`.
    """
    _view(key=key, data={"predictions_id": predictions_id, **drawn})


def curve_data(
    results: Results, roc_auc: float, average_precision: float, *, with_published: bool = True
) -> dict[str, Any]:
    """The curves, thinned for drawing, and the lines of the published results."""
    return {
        **thinned_curves(results.y_true, results.y_prob),
        "roc_auc": None if np.isnan(roc_auc) else roc_auc,
        "average_precision": None if np.isnan(average_precision) else average_precision,
        "positive_share": float(np.mean(results.y_true)),
        "published": published_iso_lines() if with_published else [],
    }
