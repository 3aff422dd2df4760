"""Suggested thresholds, chosen on validation data, never on test data."""

from dataclasses import dataclass

import numpy as np
from sklearn import metrics

from idc.metrics.calibration import best_threshold

MIN_SENSITIVITY = 0.95


@dataclass(frozen=True)
class ThresholdPreset:
    """A named threshold.

    Attributes:
        name: an identifier. ``title``: on screen. ``meaning``: how it was chosen.
    """

    name: str
    title: str
    threshold: float
    meaning: str


def threshold_presets(y_true: np.ndarray, y_prob: np.ndarray) -> list[ThresholdPreset]:
    """The threshold 0.5, then those chosen on validation data.

    Args:
        y_true: {0, 1}, shape (n,): validation labels; n = 0 without a validation part.
        y_prob: [0, 1], shape (n,).

    Returns:
        only 0.5 if a class is missing.
    """
    half = ThresholdPreset(
        "half", "0.5", 0.5, "The usual one: positive where that class is the more likely."
    )
    if not 0 < np.sum(y_true) < len(y_true):
        return [half]
    found = f"ones of {len(y_true):,} validation patches, without test patches."
    chosen = f"on {len(y_true):,} validation patches, without test patches."
    balanced = shortest_equivalent_threshold(best_threshold(y_true, y_prob), y_prob)
    sensitive = shortest_equivalent_threshold(sensitive_threshold(y_true, y_prob), y_prob)
    return [
        half,
        ThresholdPreset(
            "balanced", "Best balance", balanced, f"Highest balanced accuracy {chosen}"
        ),
        ThresholdPreset(
            "sensitive",
            f"Sensitivity ≥ {MIN_SENSITIVITY:g}",
            sensitive,
            f"Highest threshold that finds {MIN_SENSITIVITY:.0%} of the positive {found}",
        ),
    ]


def sensitive_threshold(
    y_true: np.ndarray, y_prob: np.ndarray, min_sensitivity: float = MIN_SENSITIVITY
) -> float:
    """The highest threshold with at least this sensitivity, so with the fewest false positives.

    Args:
        y_true: {0, 1}, shape (n,), both classes present.
        y_prob: [0, 1], shape (n,).
    """
    _, sensitivity, thresholds = metrics.roc_curve(
        y_true, np.asarray(y_prob, np.float64), drop_intermediate=False
    )
    return float(min(thresholds[np.argmax(sensitivity >= min_sensitivity)], 1.0))


def shortest_equivalent_threshold(threshold: float, y_prob: np.ndarray) -> float:
    """The number with the fewest decimals, at least three, with the same predictions.

    It is readable, also in a URL.
    """
    y_prob = np.asarray(y_prob, np.float64)
    below = y_prob[y_prob < threshold].max(initial=0.0)
    above = y_prob[y_prob >= threshold].min(initial=1.0)
    for decimals in range(3, 17):
        short = round(threshold, decimals)
        if below < short <= above:
            return short
    return threshold
