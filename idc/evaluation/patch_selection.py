"""The patches behind a number: a cell of the matrix, a bar, a point of a curve, a case."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from idc.evaluation.results import Results
from idc.metrics.calibration import bin_indices
from idc.metrics.scores import confusion_cell_names

HISTOGRAM_BINS = 20

ORDERS: Mapping[str, str] = {
    "certain": "Most certain first",
    "doubtful": "Most doubtful first",
    "wrong": "Most wrong first",
}


def in_cell(results: Results, name: str, threshold: float) -> np.ndarray:
    """bool, shape (n,): the patches of a cell, "tn", "fp", "fn" or "tp"."""
    return confusion_cell_names(results.y_true, results.y_prob, threshold) == name


def in_histogram_bar(results: Results, number: int, label: int) -> np.ndarray:
    """bool, shape (n,): the patches of a bar of the histogram: a bin and a class."""
    return (bin_indices(results.y_prob, HISTOGRAM_BINS) == number) & (results.y_true == label)


def in_calibration_point(results: Results, number: int) -> np.ndarray:
    """bool, shape (n,): the patches of a point of the calibration curve."""
    return bin_indices(results.y_prob) == number


def in_case(results: Results, case: int) -> np.ndarray:
    """bool, shape (n,): the patches of a case."""
    return results.cases == case


def select_patches(
    results: Results, where: np.ndarray, threshold: float, order: str = "certain"
) -> pd.DataFrame:
    """The chosen patches in an order.

    Args:
        where: bool, shape (n,).
        threshold: certainty is the distance of the probability from here.
        order: a key of `ORDERS`.

    Returns:
        columns ``row``, ``case``, ``x``, ``y``, ``label``, ``probability``.
    """
    chosen = np.flatnonzero(where)
    margin = results.y_prob[chosen].astype(np.float64) - threshold
    key = {
        "certain": -np.abs(margin),
        "doubtful": np.abs(margin),
        "wrong": np.where(results.y_true[chosen] == 1, margin, -margin),
    }[order]
    chosen = chosen[np.argsort(key, kind="stable")]
    table = results.patches.iloc[chosen][["row", "case", "x", "y", "label"]]
    return table.assign(probability=results.y_prob[chosen]).reset_index(drop=True)


def most_wrong(results: Results, label: int, count: int) -> pd.DataFrame:
    """The patches of a class with the most contrary probabilities, at any threshold.

    Args:
        label: 0 for the surest false alarms, 1 for the surest misses.

    Returns:
        at most ``count`` rows, columns as of `select_patches`.
    """
    of_class = results.y_true == label
    return select_patches(results, of_class, 0.5, "wrong").head(count)
