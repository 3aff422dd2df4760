"""Scores of predictions: confusion matrix, rates, curves. Milliseconds, without TensorFlow."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd
from sklearn import metrics

from idc.errors import IdcError
from idc.patches import CLASS_NAMES

SCORE_DESCRIPTIONS: Mapping[str, tuple[str, str]] = {
    "balanced_accuracy": (
        "Balanced accuracy",
        "mean of sensitivity and specificity; guessing: 0.5",
    ),
    "sensitivity": ("Sensitivity", "share of the positive patches found"),
    "specificity": ("Specificity", "share of the negative patches recognised"),
    "roc_auc": (
        "ROC AUC",
        "share of positive-negative pairs ranked correctly",
    ),
    "f1": ("F1 of the positive class", "harmonic mean of precision and sensitivity"),
    "precision": ("Precision", "share of the patches predicted positive that are positive"),
    "accuracy": ("Accuracy", "share of correct predictions"),
    "average_precision": ("Average precision", "mean precision over the positive patches"),
    "brier": ("Brier score", "mean squared error of the probability; lower is better"),
    "calibration_error": (
        "Calibration error",
        "mean difference of probability and share of positives; lower is better. Resampling the "
        "cases tends to raise it, so its interval is biased upwards",
    ),
}

CONFUSION_CELLS = {"tn": (0, 0), "fp": (0, 1), "fn": (1, 0), "tp": (1, 1)}  # (y_true, y_pred)


@dataclass(frozen=True)
class ScoreReport:
    """Scores at one threshold.

    An undefined score is nan: sensitivity without positive patches, specificity without negative
    ones, balanced accuracy, ROC AUC and average precision without both, precision when
    nothing is predicted positive.

    Attributes:
        confusion_matrix: ((tn, fp), (fn, tp)).
        majority_accuracy: the accuracy of always predicting the more frequent class.
        log_loss: mean cross-entropy in nats, as the training loss.
    """

    n: int
    threshold: float
    accuracy: float
    balanced_accuracy: float
    sensitivity: float
    specificity: float
    precision: float
    f1: float
    roc_auc: float
    average_precision: float
    log_loss: float
    majority_accuracy: float
    confusion_matrix: tuple[tuple[int, int], tuple[int, int]]

    def to_json(self) -> dict[str, Any]:
        """Plain values; undefined ones are None."""
        return {
            name: None if isinstance(value, float) and math.isnan(value) else value
            for name, value in asdict(self).items()
        }


def evaluate(y_true: np.ndarray, y_prob: np.ndarray, threshold: float = 0.5) -> ScoreReport:
    """Score predictions.

    Args:
        y_true: {0, 1}, shape (n,), n >= 1.
        y_prob: probability of IDC-positive, [0, 1], shape (n,).
        threshold: predicted positive where ``y_prob >= threshold``, [0, 1].

    Raises:
        IdcError: the shapes differ, are empty, a probability is not a number, or the threshold
            lies outside [0, 1].
    """
    if len(y_true) == 0 or len(y_true) != len(y_prob):
        raise IdcError(f"Nothing to score: {len(y_true)} labels, {len(y_prob)} probabilities.")
    if not 0 <= threshold <= 1:
        raise IdcError(f"threshold must lie in [0, 1]. Received: {threshold}")
    y_true = np.asarray(y_true).astype(np.int64)
    y_prob = np.asarray(y_prob).astype(np.float64)
    if not np.isfinite(y_prob).all():
        raise IdcError(
            "The model's predictions are not numbers: its training diverged. Train again with a "
            "lower learning rate."
        )
    (tn, fp), (fn, tp) = matrix(y_true, y_prob, threshold)
    sensitivity, specificity = _ratio(tp, tp + fn), _ratio(tn, tn + fp)
    both = 0 < y_true.sum() < len(y_true)
    return ScoreReport(
        n=len(y_true),
        threshold=float(threshold),
        accuracy=(tp + tn) / len(y_true),
        balanced_accuracy=(sensitivity + specificity) / 2,
        sensitivity=sensitivity,
        specificity=specificity,
        precision=_ratio(tp, tp + fp),
        f1=_ratio(2 * tp, 2 * tp + fp + fn),
        roc_auc=float(metrics.roc_auc_score(y_true, y_prob)) if both else math.nan,
        average_precision=(
            float(metrics.average_precision_score(y_true, y_prob)) if both else math.nan
        ),
        log_loss=float(metrics.log_loss(y_true, y_prob, labels=[0, 1])),
        majority_accuracy=max(tp + fn, tn + fp) / len(y_true),
        confusion_matrix=((tn, fp), (fn, tp)),
    )


def matrix(
    y_true: np.ndarray, y_prob: np.ndarray, threshold: float
) -> tuple[tuple[int, int], tuple[int, int]]:
    """The confusion matrix ((tn, fp), (fn, tp))."""
    cells = metrics.confusion_matrix(y_true, _predicted(y_prob, threshold), labels=[0, 1])
    (tn, fp), (fn, tp) = cells.tolist()
    return (tn, fp), (fn, tp)


def classification_report(
    confusion_matrix: Sequence[Sequence[int]], class_names: tuple[str, str] = CLASS_NAMES
) -> pd.DataFrame:
    """Precision, recall, F1 and number of patches per class, and their means.

    Args:
        confusion_matrix: ((tn, fp), (fn, tp)).

    Rows: the two classes, macro average, weighted average. Undefined values are nan.
    """
    (tn, fp), (fn, tp) = confusion_matrix
    rows = [
        _class_row(class_names[0], tn, fn, fp),
        _class_row(class_names[1], tp, fp, fn),
    ]
    table = pd.DataFrame(rows).set_index("class")
    scores = ["precision", "recall", "f1"]
    weights = table["patches"] / table["patches"].sum()
    table.loc["macro average", scores] = table[scores].mean(skipna=False)
    weighted = table.loc[list(class_names), scores].mul(weights, axis=0)
    table.loc["weighted average", scores] = weighted.sum(skipna=False)
    table["patches"] = table["patches"].fillna(tn + fp + fn + tp).astype(int)
    return table


def roc_points(y_true: np.ndarray, y_prob: np.ndarray) -> pd.DataFrame:
    """The ROC curve: columns ``false_positive_rate``, ``sensitivity``, ``threshold``.

    Empty when a class is missing, where the curve is undefined.
    """
    columns = ["false_positive_rate", "sensitivity", "threshold"]
    if not 0 < np.sum(y_true) < len(y_true):
        return pd.DataFrame({name: np.empty(0) for name in columns})
    return pd.DataFrame(dict(zip(columns, metrics.roc_curve(y_true, y_prob), strict=True)))


def precision_recall_points(y_true: np.ndarray, y_prob: np.ndarray) -> pd.DataFrame:
    """The precision-recall curve.

    Returns:
        columns ``recall`` (falling to 0) and ``precision``; empty when a class is missing.
    """
    if not 0 < np.sum(y_true) < len(y_true):
        return pd.DataFrame({"recall": np.empty(0), "precision": np.empty(0)})
    precision, recall, _ = metrics.precision_recall_curve(y_true, y_prob)
    return pd.DataFrame({"recall": recall, "precision": precision})


def confusion_cell_names(y_true: np.ndarray, y_prob: np.ndarray, threshold: float) -> np.ndarray:
    """The confusion-matrix cell of each patch: "tn", "fp", "fn" or "tp", shape (n,)."""
    names = np.array([["tn", "fp"], ["fn", "tp"]])
    return names[np.asarray(y_true).astype(int), _predicted(y_prob, threshold).astype(int)]


def _predicted(y_prob: np.ndarray, threshold: float) -> np.ndarray:
    """bool, shape (n,). In float64: NumPy would round the threshold to float32 probabilities."""
    return np.asarray(y_prob).astype(np.float64) >= threshold


def _class_row(
    name: str, true_positives: int, false_positives: int, false_negatives: int
) -> dict[str, Any]:
    return {
        "class": name,
        "precision": _ratio(true_positives, true_positives + false_positives),
        "recall": _ratio(true_positives, true_positives + false_negatives),
        "f1": _ratio(2 * true_positives, 2 * true_positives + false_positives + false_negatives),
        "patches": true_positives + false_negatives,
    }


def _ratio(part: float, whole: float) -> float:
    return part / whole if whole else math.nan


def one_class_note(y_true: np.ndarray) -> str:
    """Which scores patches of a single class leave undefined, and why; "" for both classes.

    Args:
        y_true: {0, 1}, shape (n,).
    """
    labels = np.unique(y_true)
    if len(labels) != 1:
        return ""
    name, score = ("positive", "specificity") if labels[0] else ("negative", "sensitivity")
    return (
        f"All {len(y_true):,} patches are labelled {name}, so {score}, balanced accuracy and "
        "ROC AUC are undefined."
    )


def baseline_note(negative_share: float) -> str:
    """The baseline to show beside every accuracy.

    Args:
        negative_share: share of IDC-negative patches, [0, 1].
    """
    return f"always predicting 'negative' would score {negative_share:.3f}"
