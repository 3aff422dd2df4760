"""Overview of several runs: differing settings, final scores, and groups of seeds.

The runs need not have scored the same patches: seeds split differently.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from idc.evaluation.results import saved_parts, saved_results
from idc.runs.run import Run
from idc.settings.training_config import TrainingConfig

CURVES: Mapping[str, str] = {
    "val_roc_auc": "Validation ROC AUC",
    "val_balanced_accuracy": "Validation balanced accuracy",
    "val_accuracy": "Validation accuracy",
    "val_loss": "Validation loss",
    "loss": "Training loss",
}
FINAL_SCORES: Mapping[str, str] = {
    "roc_auc": "ROC AUC",
    "balanced_accuracy": "Balanced accuracy",
}


@dataclass(frozen=True)
class RunGroup:
    """Runs of the same settings with different seeds; often a single run."""

    runs: tuple[Run, ...]

    @property
    def config(self) -> TrainingConfig:
        """The shared settings; seed and name are the first run's."""
        return self.runs[0].config

    @property
    def title(self) -> str:
        """A run's own title, or the first run's with the number of seeds."""
        first = self.runs[0].title
        return first if len(self.runs) == 1 else f"{first} and {len(self.runs) - 1} more seeds"


@dataclass(frozen=True)
class CurveBand:
    """A curve over the epochs that all runs of a group have reached.

    Attributes:
        epochs: from 1, shape (n,). ``mean``, ``low``, ``high``: over the runs, shape (n,); nan
            where undefined.
    """

    epochs: np.ndarray
    mean: np.ndarray
    low: np.ndarray
    high: np.ndarray


def seed_groups(runs: Sequence[Run], *, merge_seeds: bool = True) -> list[RunGroup]:
    """Group runs that differ only in seed and name, in the order of their first runs.

    Runs with the same seed, one a repetition of the other, are in different groups.

    Args:
        merge_seeds: False puts each run into its own group.
    """
    groups: list[list[Run]] = []
    for run in runs:
        fitting = (group for group in groups if merge_seeds and _is_another_seed(run, group))
        group = next(fitting, None)
        if group is None:
            groups.append([run])
        else:
            group.append(run)
    return [RunGroup(tuple(group)) for group in groups]


def curve_band(group: RunGroup, curve: str) -> CurveBand:
    """A curve of a group.

    Args:
        curve: a key of `CURVES`.
    """
    curves = [_curve(run, curve) for run in group.runs]
    shared = sorted(set.intersection(*(set(values) for values in curves)))
    values = np.array([[values[epoch] for epoch in shared] for values in curves], np.float64)
    if not shared:
        return CurveBand(*(np.empty(0) for _ in range(4)))
    return CurveBand(np.array(shared), values.mean(axis=0), values.min(axis=0), values.max(axis=0))


def differing_settings(groups: Sequence[RunGroup]) -> dict[str, list[Any]]:
    """The settings that differ between groups: name -> each group's value.

    A run's name does not count, and the seed only where every group is a single run.
    """
    left_out = {"name"} if all(len(group.runs) == 1 for group in groups) else {"name", "seed"}
    found = {}
    for name in groups[0].config.to_json():
        values = [getattr(group.config, name) for group in groups]
        if name == "split_seed" and any(value is not None for value in values):
            values = [_split_seed(group) for group in groups]
        if name not in left_out and any(value != values[0] for value in values):
            found[name] = values
    return found


def _split_seed(group: RunGroup) -> Any:
    if group.config.split_seed is not None:
        return group.config.split_seed
    return group.config.seed if len(group.runs) == 1 else "each seed's own"


def final_scores(group: RunGroup) -> dict[str, list[float]]:
    """Scores of the best weights on the scored part, one value a run."""
    found: dict[str, list[float]] = {name: [] for name in FINAL_SCORES}
    for run in group.runs:
        if not saved_parts(run):
            continue
        report = saved_results(run).report()
        for name in FINAL_SCORES:
            found[name].append(float(getattr(report, name)))
    return found


def best_epochs(group: RunGroup) -> list[int]:
    """The epoch of the best weights of each run that has one."""
    kept = [run.log().best_epoch() for run in group.runs]
    return [epoch["epoch"] for epoch in kept if epoch is not None]


def _is_another_seed(run: Run, group: Sequence[Run]) -> bool:
    """Whether a run adds a seed to a group. The bundled model was trained elsewhere."""
    if run.bundled or group[0].bundled or run.config.seed in {one.config.seed for one in group}:
        return False
    plain = [replace(one.config, seed=0, name="") for one in (run, group[0])]
    return plain[0] == plain[1]


def _curve(run: Run, curve: str) -> dict[int, float]:
    """Epoch -> value; nan where undefined."""
    return {
        epoch["epoch"]: math.nan if epoch.get(curve) is None else float(epoch[curve])
        for epoch in run.log().epochs
    }
