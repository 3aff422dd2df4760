"""What a run says about the patches of one case: saved answers, or the model asked anew.

A run saves its answers for the parts that it did not train on. For the rest of a case, and for
cases of another data set, the model can be asked; if it trained on the case, that flatters.
"""

from collections.abc import Callable

import numpy as np

from idc.errors import DataError, RunError
from idc.prediction import predict_patches
from idc.results import run_split
from idc.runs import Run, check_same_data
from idc.store import PatchStore, open_store

_BLOCK = 256  # as many as the model takes at once, so that progress moves


def saved_probabilities(run: Run, store: PatchStore, rows: np.ndarray) -> np.ndarray:
    """The run's saved answers for some rows of a store.

    Args:
        rows: int64, shape (n,), row numbers in `store`.

    Returns:
        float32 [0, 1], shape (n,); nan where the run saved none: its training part, patches that
        it never used, another data set, or no finished epoch yet.
    """
    answers = np.full(len(rows), np.nan, np.float32)
    if not _is_about(run, store) or not run.has_predictions():
        return answers
    saved = run.predictions()
    known, probability = saved["row"].to_numpy(), saved["probability"].to_numpy()
    order = np.argsort(known)
    found = np.searchsorted(known, rows, sorter=order).clip(max=len(known) - 1)
    if len(known):
        places = order[found]
        hit = known[places] == rows
        answers[hit] = probability[places[hit]]
    return answers


def fresh_probabilities(
    run: Run,
    store: PatchStore,
    rows: np.ndarray,
    *,
    on_progress: Callable[[int, int], object] | None = None,
) -> np.ndarray:
    """Let the run's best weights answer for some rows of a store.

    Args:
        rows: int64, shape (n,).
        on_progress: called with (patches done, patches in all).

    Returns:
        float32 [0, 1], shape (n,).

    Raises:
        PredictionError: the model could not answer.
    """
    answers = np.empty(len(rows), np.float32)
    for start in range(0, len(rows), _BLOCK):
        block = rows[start : start + _BLOCK]
        answers[start : start + len(block)] = predict_patches(run, store.patches[block])
        if on_progress:
            on_progress(start + len(block), len(rows))
    return answers


def trained_on_case(run: Run, case: int) -> bool | None:
    """Whether a patch of the case was in the run's training part.

    None when nobody can tell: the run's data set is gone or was packed anew.
    """
    try:
        store = open_store(run.config.data)
        check_same_data(run, store)
    except (DataError, RunError):
        return None
    return bool((store.cases[run_split(run, store).train] == case).any())


def _is_about(run: Run, store: PatchStore) -> bool:
    """Whether the run's row numbers are those of this very store."""
    if run.config.data != store.name:
        return False
    try:
        check_same_data(run, store)
    except RunError:
        return False
    return True
