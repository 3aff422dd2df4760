"""Calibration: how well probabilities match frequencies, and correction by temperature scaling.

Everything is fitted on validation patches, never on test patches.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import optimize
from sklearn import metrics

from idc.errors import IdcError

CALIBRATION_BINS = 10
_PROBABILITY_EPSILON = 1e-7  # float32 probabilities nearer to 0 or 1 carry no information


@dataclass(frozen=True)
class Calibration:
    """A correction of a model's probabilities, and the threshold on the corrected ones.

    Attributes:
        temperature: the log-odds are divided by it; above 1 probabilities become less extreme.
        threshold: on the calibrated probability, [0, 1].
    """

    temperature: float = 1.0
    threshold: float = 0.5

    def apply(self, y_prob: np.ndarray) -> np.ndarray:
        """Calibrated probabilities.

        Args:
            y_prob: the model's own, [0, 1], any shape.

        Returns:
            float32 [0, 1], same shape, order preserved. Nan stays nan.
        """
        if self.temperature == 1.0:
            return np.asarray(y_prob, np.float32)
        return _temperature_scaled(y_prob, self.temperature).astype(np.float32)


def fit_calibration(y_true: np.ndarray, y_prob: np.ndarray) -> Calibration:
    """Fit temperature and threshold on held-out patches.

    The temperature minimises the log loss (Guo et al. 2017, arXiv:1706.04599); the threshold
    maximises the balanced accuracy.

    Args:
        y_true: {0, 1}, shape (n,), both classes present.
        y_prob: the model's own probability of IDC-positive, [0, 1], shape (n,).

    Raises:
        IdcError: a class is missing.
    """
    if not 0 < np.sum(y_true) < len(y_true):
        raise IdcError("Calibration needs held-out patches of both classes.")
    found = optimize.minimize_scalar(
        lambda log_t: metrics.log_loss(
            y_true, _temperature_scaled(y_prob, np.exp(log_t)), labels=[0, 1]
        ),
        bounds=(np.log(0.05), np.log(20)),
        method="bounded",
    )
    temperature = float(np.exp(found.x))
    return Calibration(temperature, best_threshold(y_true, Calibration(temperature).apply(y_prob)))


def best_threshold(y_true: np.ndarray, y_prob: np.ndarray) -> float:
    """The threshold of the highest balanced accuracy, halfway to the next lower probability.

    Halfway, because a threshold equal to a probability depends on that patch's rounding.

    Args:
        y_true: {0, 1}, shape (n,), both classes present.
        y_prob: [0, 1], shape (n,).
    """
    false_positive_rate, sensitivity, thresholds = metrics.roc_curve(
        y_true, np.asarray(y_prob, np.float64), drop_intermediate=False
    )
    best = int(np.argmax(sensitivity - false_positive_rate))
    if best == 0:  # roc_curve begins with a threshold that predicts nothing positive
        # A threshold of 1 still includes a probability of 1; 0 is as good then.
        return 1.0 if np.max(y_prob) < 1 else 0.0
    below = thresholds[best + 1] if best + 1 < len(thresholds) else 0.0
    return float((thresholds[best] + below) / 2)


def reliability_table(
    y_true: np.ndarray, y_prob: np.ndarray, bins: int = CALIBRATION_BINS
) -> pd.DataFrame:
    """Share of positive patches among those of similar probability.

    Returns:
        a row for each non-empty one of the ``bins`` equal parts of [0, 1]: ``patches``,
        ``y_prob`` (their mean probability), ``positive_share``. Its index is the bin's number.
    """
    y_prob = np.asarray(y_prob, np.float64)
    table = pd.DataFrame(
        {"bin": bin_indices(y_prob, bins), "y_prob": y_prob, "positive_share": y_true}
    )
    means = table.groupby("bin").mean()
    return means.assign(patches=table.groupby("bin").size())


def bin_indices(y_prob: np.ndarray, bins: int = CALIBRATION_BINS) -> np.ndarray:
    """The index of the equal part of [0, 1] of each probability; 1 is in the last."""
    return np.minimum((np.asarray(y_prob, np.float64) * bins).astype(int), bins - 1)


def calibration_error(y_true: np.ndarray, y_prob: np.ndarray) -> float:
    """Expected calibration error in 10 equal bins of the probability of IDC-positive, [0, 1].

    The mean absolute difference of probability and share of positives over patches (Naeini et al.
    2015, doi:10.1609/aaai.v29i1.9602, on the positive class).
    """
    table = reliability_table(y_true, y_prob)
    distance = (table["y_prob"] - table["positive_share"]).abs()
    return float(np.average(distance, weights=table["patches"]))


def _temperature_scaled(y_prob: np.ndarray, temperature: float) -> np.ndarray:
    p = np.clip(np.asarray(y_prob, np.float64), _PROBABILITY_EPSILON, 1 - _PROBABILITY_EPSILON)
    return 1 / (1 + ((1 - p) / p) ** (1 / temperature))
