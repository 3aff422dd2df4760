"""ROC and precision-recall curves as a plot needs them: few points, and published results."""

from collections.abc import Callable
from typing import Any

import numpy as np

from idc.evaluation.published import PUBLISHED, iso_balanced_accuracy_line, iso_f1_curve
from idc.metrics.scores import precision_recall_points, roc_points

_MAX_POINTS = 400


def thinned_curves(y_true: np.ndarray, y_prob: np.ndarray) -> dict[str, list[list[float]]]:
    """Both curves, thin enough to draw.

    Returns:
        "roc": [false positive rate, sensitivity]; "recall": [recall, precision]; both empty when a
        class is missing.
    """
    roc, recall = roc_points(y_true, y_prob), precision_recall_points(y_true, y_prob)
    return {
        "roc": thin_curve(roc[["false_positive_rate", "sensitivity"]].to_numpy()),
        "recall": thin_curve(recall[["recall", "precision"]].to_numpy()),
    }


def published_iso_lines() -> list[dict[str, Any]]:
    """Each published result on the same cases: all points of its balanced accuracy and its F1."""
    return [
        {
            "name": result.name,
            "balanced_accuracy": result.balanced_accuracy,
            "f1": result.f1,
            "roc": _iso_line(iso_balanced_accuracy_line, result.balanced_accuracy),
            "recall": _iso_line(iso_f1_curve, result.f1),
        }
        for result in PUBLISHED
        if result.same_cases
    ]


def thin_curve(points: np.ndarray, max_points: int = _MAX_POINTS) -> list[list[float]]:
    """Thin a curve evenly along its length, so that bends remain.

    Args:
        points: shape (n, 2), in the order of the curve.
    """
    if len(points) > max_points:
        steps = np.abs(np.diff(points, axis=0)).sum(axis=1)
        arc_length = np.concatenate([[0.0], np.cumsum(steps)])
        wanted = np.searchsorted(arc_length, np.linspace(0, arc_length[-1], max_points))
        points = points[np.unique(wanted.clip(max=len(points) - 1))]
    return np.round(points, 4).tolist()


def _iso_line(
    points: Callable[[float], tuple[np.ndarray, np.ndarray]], value: float | None
) -> list[list[float]]:
    if value is None:
        return []
    return np.round(np.stack(points(value), axis=1), 4).tolist()
