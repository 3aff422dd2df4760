"""Which patches and cases of a store a run trained on, and which it held out."""

import json

import numpy as np

from idc.datasets.splits import Split
from idc.datasets.store import PatchStore, open_store
from idc.errors import DataError, RunError
from idc.runs.run import TRAIN_CASES_FILE, Run, check_same_data
from idc.settings.training_config import split_for_config


def run_split(run: Run, store: PatchStore) -> Split:
    """The split that the run trained with, made again from its settings."""
    return split_for_config(run.config, store.index, run.left_out())


def train_cases(run: Run) -> np.ndarray:
    """The cases that a run trained on: int32, sorted.

    Raises:
        RunError: its data set was packed anew since. DataError: it is gone.
    """
    if run.bundled:
        listed = json.loads((run.folder / TRAIN_CASES_FILE).read_text(encoding="utf-8"))
        return np.array(listed, np.int32)
    store = open_store(run.config.data)
    check_same_data(run, store)
    return np.unique(store.cases[run_split(run, store).train])


def held_out_rows(run: Run, store: PatchStore) -> np.ndarray:
    """Rows of a store that the run has not trained on: int64, sorted.

    Of its own data set the part to score by, of another one all cases that it has not seen.

    Raises:
        RunError: the run's data set was packed anew since. DataError: it is gone.
    """
    if run.config.data == store.name and not run.bundled:
        check_same_data(run, store)  # else the rows are those of other patches
        split = run_split(run, store)
        return split.rows(split.scored_part())
    return np.flatnonzero(~np.isin(store.cases, train_cases(run)))


def seen_cases(run: Run, store: PatchStore) -> int | None:
    """How many of a store's cases the run trained on. Scores on them flatter.

    None when nobody can tell: the run's data set is gone or was packed anew.
    """
    try:
        return int(np.isin(np.unique(store.cases), train_cases(run)).sum())
    except (DataError, RunError):
        return None


def training_overlap_note(run: Run, store: PatchStore) -> str:
    """What a reader of scores over a whole store must know; "" when the run has seen none of it."""
    seen, cases = seen_cases(run, store), len(np.unique(store.cases))
    if seen is None:
        return (
            "Whether the run trained on some of these cases cannot be told, its data set is gone "
            "or changed; scores on such cases flatter."
        )
    if not seen:
        return ""
    return f"The run trained on {seen:,} of these {cases:,} cases; scores on them flatter."
