"""The patches and cases that a run trained on, and those it held out."""

import json

import numpy as np

from idc.datasets.description import DataDescription
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


def check_same_kind(run: Run, store: PatchStore) -> None:
    """Check that a run's model can answer about a store's patches.

    Raises:
        RunError: they have another side, scale or other classes than those it trained on.
    """
    own, other = run.description(), store.description
    if (own.side_px, own.mpp_um, own.class_names) != (
        other.side_px,
        other.mpp_um,
        other.class_names,
    ):
        raise RunError(
            f"The run '{run.title}' was trained on {_kind(own)}; the data set '{store.name}' holds "
            f"{_kind(other)}. Choose another run, or train one on this data set."
        )


def _kind(about: DataDescription) -> str:
    negative, positive = about.class_names
    return (
        f"patches of {about.side_px} x {about.side_px} px at {about.scale_text()}, {negative} or "
        f"{positive}"
    )


def shares_case_numbers(run: Run, store: PatchStore) -> bool:
    """Whether a case's number means the same case in the run's data set and in a store."""
    same_set = run.config.data == store.name and not run.bundled
    return same_set or (run.description().is_idc_set and store.description.is_idc_set)


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
    if not shares_case_numbers(run, store):
        return np.arange(len(store))
    return np.flatnonzero(~np.isin(store.cases, train_cases(run)))


def seen_cases(run: Run, store: PatchStore) -> int | None:
    """The number of a store's cases that the run trained on; scores on them are too high.

    None if unknown: the run's data set is missing or was repacked, or numbers its cases
    differently.
    """
    if not shares_case_numbers(run, store):
        return None
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
