"""Scores of weighted cases: each once, one alone, or as a bootstrap draws them.

Patches of one case are not independent, so whole cases are weighted. Additive quantities are summed
once per case; a weighting is then a matrix product.
"""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from idc.metrics.calibration import CALIBRATION_BINS, bin_indices

THRESHOLD_SCORES = (
    "balanced_accuracy",
    "sensitivity",
    "specificity",
    "precision",
    "f1",
    "accuracy",
)
THRESHOLD_FREE_SCORES = ("roc_auc", "average_precision", "brier", "calibration_error")

_STEPS_PER_CHUNK = 4_096  # of the ranking; limits the memory to some tens of megabytes


class CaseScores:
    """Predictions of some cases, prepared for weighting.

    Args:
        y_true: {0, 1}, shape (n,), n >= 1.
        y_prob: probability of IDC-positive, [0, 1], shape (n,).
        cases: the case of each patch, shape (n,).

    Attributes:
        cases: the cases in ascending order, shape (c,).
        patches, positives: int64, number per case, shape (c,).
    """

    def __init__(self, y_true: np.ndarray, y_prob: np.ndarray, cases: np.ndarray) -> None:
        self.cases, self._case_of = np.unique(cases, return_inverse=True)
        self._y_true = np.asarray(y_true).astype(np.int64)
        self._y_prob = np.asarray(y_prob).astype(np.float64)
        self.patches = self._sum_by_case(np.ones(len(self._y_true))).astype(np.int64)
        self.positives = self._sum_by_case(self._y_true).astype(np.int64)

    def at_threshold(self, threshold: float, weights: np.ndarray) -> Mapping[str, np.ndarray]:
        """The scores of `THRESHOLD_SCORES`.

        Args:
            threshold: predicted positive where the probability is at least this.
            weights: the weight of each case, >= 0, shape (w, c).

        Returns:
            name -> float64, shape (w,); nan where undefined, as in
            `idc.metrics.scores.ScoreReport`.
        """
        tn, fp, fn, tp = (weights @ self.counts(threshold)).T
        sensitivity, specificity = _ratio(tp, tp + fn), _ratio(tn, tn + fp)
        return {
            "balanced_accuracy": (sensitivity + specificity) / 2,
            "sensitivity": sensitivity,
            "specificity": specificity,
            "precision": _ratio(tp, tp + fp),
            "f1": _ratio(2 * tp, 2 * tp + fp + fn),
            "accuracy": _ratio(tp + tn, tn + fp + fn + tp),
        }

    def threshold_free(self, weights: np.ndarray) -> Mapping[str, np.ndarray]:
        """The scores of `THRESHOLD_FREE_SCORES`; arguments and result as in `at_threshold`."""
        weights = np.asarray(weights, np.float64)
        patches = weights @ self.patches
        squares = self._sum_by_case((self._y_prob - self._y_true) ** 2)
        return {
            "roc_auc": self._roc_auc(weights),
            "average_precision": self._average_precision(weights),
            "brier": _ratio(weights @ squares, patches),
            "calibration_error": _ratio(np.abs(weights @ self._bin_gaps()).sum(axis=1), patches),
        }

    def table(self, threshold: float) -> pd.DataFrame:
        """Each case alone, the lowest balanced accuracy first.

        Returns:
            ``case``, ``patches``, ``true_share`` and ``predicted_share`` of IDC-positive patches,
            ``balanced_accuracy``, ``wrong`` answers. Cases of one class have no balanced accuracy
            (nan) and follow the others, the most wrong first.
        """
        _, fp, fn, tp = self.counts(threshold).T
        table = pd.DataFrame(
            {
                "case": self.cases,
                "patches": self.patches,
                "true_share": (fn + tp) / self.patches,
                "predicted_share": (fp + tp) / self.patches,
                "balanced_accuracy": self.at_threshold(threshold, np.eye(len(self.cases)))[
                    "balanced_accuracy"
                ],
                "wrong": fp + fn,
            }
        )
        rank = table["balanced_accuracy"].fillna(2 - table["wrong"] / table["patches"])
        return table.iloc[np.argsort(rank, kind="stable")].reset_index(drop=True)

    def counts(self, threshold: float) -> np.ndarray:
        """tn, fp, fn, tp of each case, int64, shape (c, 4)."""
        cell = 2 * self._y_true + (self._y_prob >= threshold)
        return np.bincount(4 * self._case_of + cell, minlength=4 * len(self.cases)).reshape(-1, 4)

    def _sum_by_case(self, values: np.ndarray) -> np.ndarray:
        return np.bincount(self._case_of, weights=values, minlength=len(self.cases))

    def _bin_gaps(self) -> np.ndarray:
        """Probability minus label, summed over each case's patches of a bin, shape (c, bins)."""
        place = CALIBRATION_BINS * self._case_of + bin_indices(self._y_prob)
        gaps = self._y_prob - self._y_true
        return np.bincount(
            place, weights=gaps, minlength=CALIBRATION_BINS * len(self.cases)
        ).reshape(-1, CALIBRATION_BINS)

    def _roc_auc(self, weights: np.ndarray) -> np.ndarray:
        """The weighted share of correctly ordered pairs; ties count half."""
        positives, negatives = self.positives, self.patches - self.positives
        right = ((weights @ self._ordered_pairs()) * weights).sum(axis=1)
        return _ratio(right, (weights @ positives) * (weights @ negatives))

    def _ordered_pairs(self) -> np.ndarray:
        """Correctly ordered pairs: positives of the row's case, negatives of the column's."""
        positive = self._y_true == 1
        order = np.argsort(self._y_prob[positive])  # sorted searches are faster
        above, case_above = self._y_prob[positive][order], self._case_of[positive][order]
        pairs = np.zeros((len(self.cases), len(self.cases)))
        for column in range(len(self.cases)):
            below = np.sort(self._y_prob[~positive & (self._case_of == column)])
            beaten = np.searchsorted(below, above, "left") + np.searchsorted(below, above, "right")
            pairs[:, column] = np.bincount(case_above, weights=beaten / 2, minlength=len(pairs))
        return pairs

    def _average_precision(self, weights: np.ndarray) -> np.ndarray:
        """The mean precision over the positives; tied probabilities form one step."""
        probabilities = [self._y_prob[self._case_of == case] for case in range(len(self.cases))]
        positive = self._y_true == 1
        found_at = [
            self._y_prob[positive & (self._case_of == case)] for case in range(len(self.cases))
        ]
        predicted_by, found_by = _CountsAbove(probabilities), _CountsAbove(found_at)
        # Integers below 2**24: float32 is exact, and twice as fast.
        small = weights.astype(np.float32)
        summed, found_before = np.zeros(len(weights)), np.zeros((len(weights), 1), np.float32)
        steps = np.unique(self._y_prob[positive])[::-1]
        for some in np.array_split(steps, len(steps) // _STEPS_PER_CHUNK + 1):
            predicted, found = (
                small @ predicted_by.counts_at_least(some),
                small @ found_by.counts_at_least(some),
            )
            gained = np.diff(found, axis=1, prepend=found_before)
            # Without predicted positives nothing is gained, so any quotient will do.
            precision = np.divide(found, np.maximum(predicted, 1), dtype=np.float64)
            summed += (gained * precision).sum(axis=1)
            found_before = found[:, -1:] if len(some) else found_before
        positives = weights @ self.positives
        negatives = weights @ self.patches - positives
        return np.where(negatives > 0, _ratio(summed, positives), np.nan)


class _CountsAbove:
    """Number of patches of each case at or above a probability.

    Args:
        probabilities: of each case, in any order.
    """

    def __init__(self, probabilities: list[np.ndarray]) -> None:
        self._ascending = [np.sort(of_case) for of_case in probabilities]

    def counts_at_least(self, steps: np.ndarray) -> np.ndarray:
        """float32, shape (c, s)."""
        return np.stack(
            [len(case) - np.searchsorted(case, steps) for case in self._ascending]
        ).astype(np.float32)


def _ratio(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    """``part / whole``; nan where ``whole`` is 0."""
    result = np.full(np.shape(whole), np.nan)
    np.divide(part, whole, out=result, where=np.asarray(whole) > 0)
    return result
