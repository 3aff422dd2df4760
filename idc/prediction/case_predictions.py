"""A run's predictions for the patches of one case: saved ones, or computed now.

A run saves predictions for the parts that it did not train on. For the rest of a case, and for
cases of another data set, the model computes them; they are too good if it trained on the case.
"""

import contextlib
from collections.abc import Callable

import numpy as np
import pandas as pd

from idc.datasets.store import PatchStore, open_store
from idc.errors import DataError, RunError
from idc.prediction.predictor import predict_patches
from idc.runs.run import Run, check_same_data
from idc.runs.split import check_same_kind, train_cases

_BATCH_SIZE = 256  # the model's batch size, for frequent progress


def saved_probabilities(run: Run, store: PatchStore, rows: np.ndarray) -> np.ndarray:
    """The run's saved predictions for some rows of a store.

    Args:
        rows: int64, shape (n,), row numbers in `store`.

    Returns:
        float32 [0, 1], shape (n,), calibrated; nan where the run saved none: its training part,
        patches that it never used, another data set, or no finished epoch yet.
    """
    answers = np.full(len(rows), np.nan, np.float32)
    if not run.has_predictions():
        return answers
    saved = run.predictions()
    known = _rows_by_name(saved, store, rows) if run.bundled else _own_rows(run, saved, store)
    # Filter to the range of rows first: indexing the predictions of a whole data set is slow.
    near = (known >= rows.min()) & (known <= rows.max())
    probability = pd.Series(saved["probability"].to_numpy()[near], index=known[near])
    return run.calibration().apply(probability.reindex(rows).to_numpy())


def fresh_probabilities(
    run: Run,
    store: PatchStore,
    rows: np.ndarray,
    *,
    on_progress: Callable[[int, int], object] | None = None,
) -> np.ndarray:
    """Predict some rows of a store by the run's best weights.

    Args:
        rows: int64, shape (n,).
        on_progress: called with (patches done, total patches).

    Returns:
        float32 [0, 1], shape (n,).

    Raises:
        RunError: the run was trained on patches of another kind.
        PredictionError: the model failed.
    """
    check_same_kind(run, store)
    answers = np.empty(len(rows), np.float32)
    for start in range(0, len(rows), _BATCH_SIZE):
        block = rows[start : start + _BATCH_SIZE]
        answers[start : start + len(block)] = predict_patches(run, store.patches[block])
        if on_progress:
            on_progress(start + len(block), len(rows))
    return answers


def trained_on_case(run: Run, case: int) -> bool | None:
    """Whether a patch of the case was in the run's training part.

    None if unknown: the run's data set is gone or was packed again.
    """
    try:
        if not run.bundled:
            check_same_data(run, open_store(run.config.data))
        return bool((train_cases(run) == case).any())
    except (DataError, RunError):
        return None


def _own_rows(run: Run, saved: pd.DataFrame, store: PatchStore) -> np.ndarray:
    """Row numbers of the saved predictions; all -1 if the store is another data set."""
    if run.config.data == store.name:
        with contextlib.suppress(RunError):  # packed again: the row numbers are of other patches
            check_same_data(run, store)
            return saved["row"].to_numpy()
    return np.full(len(saved), -1)


def _rows_by_name(saved: pd.DataFrame, store: PatchStore, rows: np.ndarray) -> np.ndarray:
    """Match the bundled model's predictions by patch name: rows among `rows`, -1 without match."""
    names = ["case", "x", "y", "label"]
    named_rows = store.index.iloc[rows][names].assign(row=rows)
    matched = saved[names].merge(named_rows, how="left", on=names)["row"]
    return matched.fillna(-1).to_numpy(np.int64)
