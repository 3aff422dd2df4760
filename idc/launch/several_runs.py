"""Runs that belong together: the same settings with several seeds, or under two splits."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pandas as pd

from idc.launch.start import start_run
from idc.runs.run import Run
from idc.settings.training_config import TrainingConfig, split_for_config

MAX_SEEDS = 10
_MAX_BASE_NAME_LENGTH = 60  # signs of a name, so that what is added fits


def configs_for_seeds(config: TrainingConfig, count: int) -> list[TrainingConfig]:
    """The same settings with so many seeds, one after the other; the split is each seed's own."""
    if count == 1:
        return [config]
    seeds = range(config.seed, config.seed + count)
    return [replace(config, seed=seed, name=_run_name(config, f"seed {seed}")) for seed in seeds]


def configs_for_both_splits(config: TrainingConfig) -> tuple[TrainingConfig, TrainingConfig]:
    """The same settings with patches split at random, and by case."""
    both = {
        protocol: replace(
            config,
            protocol=protocol,
            unlisted="ignore",
            folds=0,
            fold=0,
            name=_run_name(config, words),
        )
        for protocol, words in (("random", "random split"), ("case-disjoint", "by case"))
    }
    return both["random"], both["case-disjoint"]


def check_splits(configs: Sequence[TrainingConfig], index: pd.DataFrame) -> None:
    """Refuse what could not train, before the first one trains for nothing.

    Raises:
        SplitError: the data cannot be split as one of them asks.
    """
    for config in configs:
        split_for_config(config, index)


def start_runs(
    configs: Sequence[TrainingConfig], *, fill: Callable[[Path], None] | None = None
) -> list[Run]:
    """Create runs and start them in this order; one trains at a time, the others wait.

    Args:
        fill: puts more into each folder before it appears.

    Raises:
        IdcError: a run cannot be created or started; those before it are under way.
    """
    return [start_run(config, fill=fill) for config in configs]


def _run_name(config: TrainingConfig, words: str) -> str:
    return f"{config.name[:_MAX_BASE_NAME_LENGTH]}, {words}" if config.name else words.capitalize()
