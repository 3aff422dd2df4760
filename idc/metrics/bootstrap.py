"""Uncertainty of a score: a 95 % interval from a bootstrap over cases, and its spread among cases.

The interval estimates how much the score would vary with other cases: the cases are resampled with
replacement, and the interval holds the middle 95 % of the scores (percentile bootstrap of whole
clusters; Field & Welsh 2007, J. R. Statist. Soc. B 69, 369-390). The calibration error is a sum of
absolute differences, which the noise of resampling increases: its interval is biased upwards and
may exclude the value itself. Its description says so.
"""

import functools
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from idc.metrics.case_scores import THRESHOLD_FREE_SCORES, THRESHOLD_SCORES, CaseScores

RESAMPLES = 1_000
MIN_CASES_FOR_INTERVAL = 10  # with fewer, there are too few different draws: a rough hint
_INTERVAL_QUANTILES = (0.025, 0.975)
_MIN_DEFINED_SHARE = 0.95  # of the draws; else the interval would describe the easier draws alone

_UNDEFINED_REASONS = {
    "sensitivity": "there is no positive patch",
    "specificity": "there is no negative patch",
    "precision": "no patch is predicted positive at this threshold",
    "f1": "no patch is positive, and none is predicted so",
}
_NEEDS_BOTH_CLASSES = "it needs patches of both classes"


@dataclass(frozen=True)
class Interval:
    """A score with its uncertainty. Undefined values are nan, with a reason.

    Attributes:
        value: over all patches. ``undefined``: why it is nan.
        low, high: the 95 % interval. ``no_interval``: why they are nan.
        case_quartiles: lower quartile, median and upper quartile of the score of each case alone.
        case_range: the lowest and the highest of them.
        cases: the number of cases whose own score is defined.
    """

    value: float
    low: float
    high: float
    case_quartiles: tuple[float, float, float]
    case_range: tuple[float, float]
    cases: int
    undefined: str = ""
    no_interval: str = ""

    def text(self) -> str:
        """ "0.870 (0.850 to 0.890)"; "–" if the score is undefined."""
        if math.isnan(self.value):
            return "–"
        if math.isnan(self.low):
            return f"{self.value:.3f}"
        return f"{self.value:.3f} ({self.low:.3f} to {self.high:.3f})"

    def to_json(self) -> dict[str, Any]:
        """Plain values; undefined ones are None."""
        return {name: _json_value(value) for name, value in asdict(self).items()}


@dataclass(frozen=True)
class Difference:
    """The difference of a score between two predictions of the same patches.

    Attributes:
        value: over all patches; nan where either is undefined.
        low, high: the 95 % interval of the paired difference. ``no_interval``: why they are nan.
    """

    value: float
    low: float
    high: float
    no_interval: str = ""

    @property
    def excludes_zero(self) -> bool:
        """Whether the interval excludes 0."""
        return self.low > 0 or self.high < 0

    def to_json(self) -> dict[str, Any]:
        """Plain values; undefined ones are None."""
        return {name: _json_value(value) for name, value in asdict(self).items()}


class Bootstrap:
    """Intervals of all scores of some predictions; the draws are the same for every threshold.

    Args:
        y_true: {0, 1}, shape (n,), n >= 1.
        y_prob: probability of IDC-positive, [0, 1], shape (n,).
        cases: the case of each patch, shape (n,).
        resamples: the number of draws.
        seed: the same seed draws the same cases.
    """

    def __init__(
        self,
        y_true: np.ndarray,
        y_prob: np.ndarray,
        cases: np.ndarray,
        *,
        resamples: int = RESAMPLES,
        seed: int = 0,
    ) -> None:
        self.scores = CaseScores(y_true, y_prob, cases)
        count = len(self.scores.cases)
        rng = np.random.default_rng(seed)
        drawn = rng.multinomial(count, np.full(count, 1 / count), size=resamples)
        # One product gives the score of all cases, of each draw, and of each case alone.
        self._weights = np.concatenate([np.ones((1, count)), drawn, np.eye(count)])
        self._drawn = slice(1, 1 + resamples)

    def intervals(self, threshold: float) -> Mapping[str, Interval]:
        """Every score at a threshold, by its name."""
        at = self.scores.at_threshold(threshold, self._weights)
        found = {name: self._interval(name, at[name]) for name in THRESHOLD_SCORES}
        return {**found, **self._threshold_free_intervals}

    def difference(
        self, other: "Bootstrap", at: float, other_threshold: float
    ) -> Mapping[str, Difference]:
        """The scores of other predictions of the same patches, minus these.

        Paired: both are scored on the same draws of cases, so the difficulty of a case cancels out.

        Args:
            at, other_threshold: the thresholds of these and of the other predictions.

        Raises:
            ValueError: the cases or their draws differ.
        """
        if not np.array_equal(self._weights, other._weights) or not np.array_equal(
            self.scores.cases, other.scores.cases
        ):
            raise ValueError("a paired difference needs the same cases, drawn alike")
        return {
            name: _difference((other_values - values)[: self._drawn.stop], len(self.scores.cases))
            for (name, values), other_values in zip(
                self._values(at).items(), other._values(other_threshold).values(), strict=True
            )
        }

    def unpaired_difference(
        self, other: "Bootstrap", at: float, other_threshold: float
    ) -> Mapping[str, Difference]:
        """The scores of predictions of other patches, minus these.

        Unpaired: the cases are drawn independently, so the two must have different seeds and the
        same number of draws.

        Args:
            at, other_threshold: the thresholds of these and of the other predictions.
        """
        fewest = min(len(self.scores.cases), len(other.scores.cases))
        return {
            name: _difference(
                other_values[: other._drawn.stop] - values[: self._drawn.stop], fewest
            )
            for (name, values), other_values in zip(
                self._values(at).items(), other._values(other_threshold).values(), strict=True
            )
        }

    def _values(self, threshold: float) -> dict[str, np.ndarray]:
        return {**self.scores.at_threshold(threshold, self._weights), **self._threshold_free_values}

    @functools.cached_property
    def _threshold_free_values(self) -> Mapping[str, np.ndarray]:
        return self.scores.threshold_free(self._weights)

    @functools.cached_property
    def _threshold_free_intervals(self) -> Mapping[str, Interval]:
        values = self._threshold_free_values
        return {name: self._interval(name, values[name]) for name in THRESHOLD_FREE_SCORES}

    def _interval(self, name: str, values: np.ndarray) -> Interval:
        value, drawn, alone = float(values[0]), values[self._drawn], values[self._drawn.stop :]
        undefined = _UNDEFINED_REASONS.get(name, _NEEDS_BOTH_CLASSES) if math.isnan(value) else ""
        no_interval = undefined or _no_interval(drawn, len(alone))
        low, high = (math.nan,) * 2 if no_interval else _quantiles(drawn, _INTERVAL_QUANTILES)
        quartiles = _quantiles(alone, (0.25, 0.5, 0.75))
        lowest, highest = _quantiles(alone, (0, 1))
        return Interval(
            value,
            low,
            high,
            case_quartiles=(quartiles[0], quartiles[1], quartiles[2]),
            case_range=(lowest, highest),
            cases=int(np.isfinite(alone).sum()),
            undefined=undefined,
            no_interval=no_interval,
        )


NO_CASES_NOTE = "The data set has no cases, so there are no intervals."


def few_cases_note(cases: int) -> str:
    """A caution about intervals that rest on few cases; else ""."""
    if cases == 1:
        return "All patches are of one case, so the variation between cases is unknown."
    if cases < MIN_CASES_FOR_INTERVAL:
        return f"Only {cases} cases: the intervals are rough and tend to be too short."
    return ""


def _difference(values: np.ndarray, cases: int) -> Difference:
    """From the difference over all cases, followed by that of each draw."""
    value, drawn = float(values[0]), values[1:]
    no_interval = "a score is undefined" if math.isnan(value) else ""
    no_interval = no_interval or _no_interval(drawn, cases)
    low, high = (math.nan,) * 2 if no_interval else _quantiles(drawn, _INTERVAL_QUANTILES)
    return Difference(value, low, high, no_interval)


def _no_interval(drawn: np.ndarray, cases: int) -> str:
    if cases == 1:
        return "there is only one case, and the bootstrap needs several"
    undefined = int(np.isnan(drawn).sum())
    if undefined > (1 - _MIN_DEFINED_SHARE) * len(drawn):
        return f"in {undefined:,} of {len(drawn):,} draws of the cases the score is undefined"
    return ""


def _quantiles(values: np.ndarray, levels: tuple[float, ...]) -> list[float]:
    defined = values[np.isfinite(values)]
    if not len(defined):
        return [math.nan] * len(levels)
    return [float(value) for value in np.quantile(defined, levels)]


def _json_value(value: Any) -> Any:
    if isinstance(value, tuple):
        return [_json_value(each) for each in value]
    return None if isinstance(value, float) and math.isnan(value) else value
