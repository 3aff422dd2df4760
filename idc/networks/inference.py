"""Patches -> probabilities with a model in this process. Pages use `idc.prediction.predictor`."""

from collections.abc import Callable

import keras
import numpy as np

from idc.networks.backends import sync_variables
from idc.networks.models import IDC_POSITIVE

BATCH_SIZE = 256


def predict_probabilities(
    model: keras.Model,
    patches: np.ndarray,
    rows: np.ndarray | None = None,
    *,
    on_progress: Callable[[int, int], None] | None = None,
) -> np.ndarray:
    """The model's probability of IDC-positive for each patch.

    Args:
        patches: uint8 RGB, shape (n, 50, 50, 3), possibly a memory map.
        rows: which of them; all by default.
        on_progress: called with (patches done, patches in all).

    Returns:
        float32 [0, 1], shape (number of rows,).
    """
    sync_variables(model)
    rows = np.arange(len(patches)) if rows is None else rows
    answers = np.empty(len(rows), np.float32)
    # Small jobs get a small batch: one uploaded patch must not cost as much as 256.
    size = next(b for b in (1, 8, 64, BATCH_SIZE) if b >= min(len(rows), BATCH_SIZE))
    for start in range(0, len(rows), size):
        batch = patches[rows[start : start + size]]
        full = np.zeros((size, *batch.shape[1:]), np.uint8)  # one shape compiles once
        full[: len(batch)] = batch
        answer = np.asarray(model.predict_on_batch(full))
        answers[start : start + len(batch)] = answer[: len(batch), IDC_POSITIVE]
        if on_progress:
            on_progress(min(start + size, len(rows)), len(rows))
    return answers
