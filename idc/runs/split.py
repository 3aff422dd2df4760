"""The patches and cases that a run trained on, and those it held out."""

import json

import numpy as np

from idc.datasets.splits import Split
from idc.datasets.store import PatchStore, open_store
from idc.errors import DataError, RunError
from idc.runs.run import TRAIN_CASES_FILE, Run, check_same_data
from idc.settings.training_config import split_for_config


def run_split(run: Run, store: PatchStore) -> Split:
    """The split that the run trained with, recomputed from its settings."""
    return split_for_config(run.config, store, run.left_out())


def train_cases(run: Run) -> np.ndarray:
    """The cases that a run trained on: int32, sorted.

    Raises:
        RunError: its data set was repacked since. DataError: it is missing.
    """
    if run.bundled:
        listed = json.loads(run.read_file(TRAIN_CASES_FILE, required=True))
        return np.array(listed, np.int32)
    store = open_store(run.config.data)
    check_same_data(run, store)
    return np.unique(store.cases[run_split(run, store).train])


def held_out_rows(run: Run, store: PatchStore) -> np.ndarray:
    """Rows of a store that the run did not train on: int64, sorted.

    For the run's own data set the scored part, for another one all cases not trained on.

    Raises:
        RunError: the run's data set was repacked since. DataError: it is missing.
    """
    if run.config.data == store.name and not run.bundled:
        check_same_data(run, store)
        split = run_split(run, store)
        return split.rows(split.scored_part())
    return np.flatnonzero(~np.isin(store.cases, train_cases(run)))


def seen_cases(run: Run, store: PatchStore) -> int | None:
    """The number of a store's cases that the run trained on; scores on them are too high.

    None if unknown: the run's data set is missing or was repacked.
    """
    try:
        return int(np.isin(np.unique(store.cases), train_cases(run)).sum())
    except (DataError, RunError):
        return None


def training_overlap_note(run: Run, store: PatchStore) -> str:
    """A caution for scores over a whole store; "" if the run trained on none of its cases."""
    seen, cases = seen_cases(run, store), len(np.unique(store.cases))
    if seen is None:
        return (
            "It is unknown whether the run trained on some of these cases, because its data set is "
            "missing or has changed; scores on training cases are too high."
        )
    if not seen:
        return ""
    return f"The run trained on {seen:,} of these {cases:,} cases; scores on them are too high."
