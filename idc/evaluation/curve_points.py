"""ROC and precision-recall curves as a plot needs them: few points, and published results."""

from collections.abc import Callable
from typing import Any

import numpy as np

from idc.evaluation.published import PUBLISHED, equal_balanced_accuracy, equal_f1
from idc.metrics.scores import recall_points, roc_points

_MOST_POINTS = 400


def curves(y_true: np.ndarray, y_prob: np.ndarray) -> dict[str, list[list[float]]]:
    """Both curves, thin enough to draw.

    Returns:
        "roc": [false positive rate, sensitivity]; "recall": [recall, precision]; both empty when a
        class is missing.
    """
    roc, recall = roc_points(y_true, y_prob), recall_points(y_true, y_prob)
    return {
        "roc": along(roc[["false_positive_rate", "sensitivity"]].to_numpy()),
        "recall": along(recall[["recall", "precision"]].to_numpy()),
    }


def published_lines() -> list[dict[str, Any]]:
    """Each published result on the same cases: all points of its balanced accuracy and its F1."""
    return [
        {
            "name": result.name,
            "balanced_accuracy": result.balanced_accuracy,
            "f1": result.f1,
            "roc": _line(equal_balanced_accuracy, result.balanced_accuracy),
            "recall": _line(equal_f1, result.f1),
        }
        for result in PUBLISHED
        if result.same_cases
    ]


def along(points: np.ndarray, most: int = _MOST_POINTS) -> list[list[float]]:
    """At most so many points, evenly along the curve, so that no bend is lost.

    Args:
        points: shape (n, 2), in the order of the curve.
    """
    if len(points) > most:
        steps = np.abs(np.diff(points, axis=0)).sum(axis=1)
        gone = np.concatenate([[0.0], np.cumsum(steps)])
        wanted = np.searchsorted(gone, np.linspace(0, gone[-1], most))
        points = points[np.unique(wanted.clip(max=len(points) - 1))]
    return np.round(points, 4).tolist()


def _line(
    points: Callable[[float], tuple[np.ndarray, np.ndarray]], value: float | None
) -> list[list[float]]:
    if value is None:
        return []
    return np.round(np.stack(points(value), axis=1), 4).tolist()
