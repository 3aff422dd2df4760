"""How far a random split flatters: two runs that differ only in the split.

The random run is scored on patches whose neighbours it trained on, the other on unseen cases; the
difference is the flattery of the random split. The runs score different patches, so the interval of
the gap comes from independent bootstraps over cases, not paired ones.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from idc.errors import RunError
from idc.evaluation.results import Results, saved_results
from idc.metrics.bootstrap import (
    MIN_CASES_FOR_INTERVAL,
    Bootstrap,
    Difference,
    Interval,
    few_cases_note,
)
from idc.runs.run import Run

SCORES: Mapping[str, str] = {
    "balanced_accuracy": "Balanced accuracy",
    "roc_auc": "ROC AUC",
    "accuracy": "Accuracy",
    "sensitivity": "Sensitivity",
    "specificity": "Specificity",
    "f1": "F1 (positive class)",
}
_MAIN_SCORE = "balanced_accuracy"
_PROTOCOLS = ("random", "case-disjoint")
_SPLIT_SETTINGS = {"protocol": "", "unlisted": "", "name": ""}


@dataclass(frozen=True)
class SplitPair:
    """Two runs of the same settings, one split at random, one by case."""

    random: Run
    by_case: Run

    @property
    def runs(self) -> tuple[Run, Run]:
        """The random one first."""
        return self.random, self.by_case

    @property
    def comparable(self) -> bool:
        """Whether both have finished the same number of epochs."""
        first, second = (run.status() for run in self.runs)
        return first.state == second.state == "finished" and first.epochs == second.epochs


@dataclass(frozen=True)
class SplitGap:
    """The difference of the scores of a pair.

    Attributes:
        scores: by split ("random", "case-disjoint"), then by name.
        differences: unseen cases minus random split, by name; negative where the random
            split flatters.
        patches: number scored, by split. ``cases``: the same.
    """

    scores: Mapping[str, Mapping[str, Interval]]
    differences: Mapping[str, Difference]
    patches: Mapping[str, int]
    cases: Mapping[str, int]

    def sentence(self) -> str:
        """The result in one or two sentences."""
        promised, got = (self.scores[protocol][_MAIN_SCORE] for protocol in _PROTOCOLS)
        gap = self.differences[_MAIN_SCORE]
        if math.isnan(gap.value):
            return "The gap is undefined: one of the runs has scored patches of only one class."
        scores = (
            f"Balanced accuracy is {promised.text()} under the random split and "
            f"{got.text()} on unseen cases."
        )
        size = f"{abs(gap.value):.3f} {'more' if gap.value > 0 else 'less'}"
        if gap.no_interval:
            return f"{scores} That is {size}; whether this is chance is unknown: {gap.no_interval}."
        if not gap.excludes_zero:
            few = "with so few cases " if min(self.cases.values()) < MIN_CASES_FOR_INTERVAL else ""
            return (
                f"{scores} That is {size}, but {few}it may be chance: the interval of the gap "
                "contains 0. Use more cases or other seeds."
            )
        if gap.value > 0:
            return f"{scores} That is {size}: the held-out cases happen to be easy."
        return f"{scores} That is {size}: the random split flatters by as much."

    def caution(self) -> str:
        """A caution about the intervals; "" if none applies."""
        return few_cases_note(self.cases["case-disjoint"])


def split_pair(random: Run, by_case: Run) -> SplitPair:
    """Two runs as a pair.

    Raises:
        RunError: they differ in more than the split.
    """
    for run, protocol in ((random, "random"), (by_case, "case-disjoint")):
        if run.bundled or run.config.protocol != protocol or run.config.folds:
            raise RunError(f"The run '{run.title}' was not trained with the split '{protocol}'.")
    if not _same_settings(random, by_case):
        raise RunError(
            f"The runs '{random.title}' and '{by_case.title}' differ in more than the split, so "
            "their gap has no meaning."
        )
    return SplitPair(random, by_case)


def list_pairs(runs: Sequence[Run]) -> list[SplitPair]:
    """The pairs among runs: each run by case with the newest random run of the same settings.

    Args:
        runs: newest first.
    """
    found = []
    for by_case in runs:
        if by_case.config.protocol != "case-disjoint" or by_case.config.folds:
            continue
        for random in runs:
            if random.config.protocol == "random" and _same_settings(random, by_case):
                found.append(SplitPair(random, by_case))
                break
    return found


def split_gap(pair: SplitPair) -> SplitGap:
    """The scores of a pair on their held-out patches, and their difference.

    Raises:
        RunError: one of them has no predictions. DataError: the data set is gone.
    """
    results = [saved_results(run) for run in pair.runs]
    first, second = (_bootstrap(result, seed) for seed, result in enumerate(results))
    thresholds = [result.threshold for result in results]
    scores = [first.intervals(thresholds[0]), second.intervals(thresholds[1])]
    return SplitGap(
        scores=dict(zip(_PROTOCOLS, scores, strict=True)),
        differences=first.unpaired_difference(second, thresholds[0], thresholds[1]),
        patches=_by_protocol(len(result.rows) for result in results),
        cases=_by_protocol(len(np.unique(result.cases)) for result in results),
    )


def _bootstrap(results: Results, seed: int) -> Bootstrap:
    """With its own seed: the two bootstraps must be independent."""
    return Bootstrap(results.y_true, results.y_prob, results.cases, seed=seed)


def _by_protocol(values: Iterable[int]) -> dict[str, int]:
    return dict(zip(_PROTOCOLS, values, strict=True))


def _same_settings(random: Run, by_case: Run) -> bool:
    """Whether the settings are equal except for the split and what depends on it."""
    settings = [{**run.config.to_json(), **_SPLIT_SETTINGS} for run in (random, by_case)]
    return settings[0] == settings[1]
