"""Predict with a model in this process. Pages use `idc.prediction.predictor` instead."""

from collections.abc import Iterator

import keras
import numpy as np

from idc.networks.backends import sync_variables
from idc.networks.models import IDC_POSITIVE
from idc.progress import ProgressCallback

BATCH_SIZE = 256


def predict_probabilities(
    model: keras.Model,
    patches: np.ndarray,
    rows: np.ndarray | None = None,
    *,
    on_progress: ProgressCallback | None = None,
) -> np.ndarray:
    """The model's probability of IDC-positive for each patch.

    Args:
        patches: uint8 RGB, shape (n, side, side, 3), possibly a memory map.
        rows: int, the patches to predict, in this order; all by default.
        on_progress: called with (predicted patches, all patches).

    Returns:
        float32 [0, 1], shape (number of rows,).
    """
    sync_variables(model)
    rows = np.arange(len(patches)) if rows is None else rows
    y_prob = np.empty(len(rows), np.float32)
    for at, batch in padded_batches(patches, rows):
        output = np.asarray(model.predict_on_batch(batch))
        y_prob[at] = output[: at.stop - at.start, IDC_POSITIVE]
        if on_progress:
            on_progress(at.stop, len(rows))
    return y_prob


def padded_batches(
    patches: np.ndarray, rows: np.ndarray | None = None
) -> Iterator[tuple[slice, np.ndarray]]:
    """Batches of one size, so that a network compiles once; zeros fill up the last batch.

    A few patches get a smaller batch size: one uploaded patch must not cost as much as 256.

    Args:
        patches: uint8 RGB, shape (n, side, side, 3), possibly a memory map.
        rows: int, the patches to use, in this order; all by default.

    Yields:
        (positions of the batch's patches in ``rows``; uint8, shape (batch size, side, side, 3)).
    """
    count = len(patches) if rows is None else len(rows)
    size = next(s for s in (1, 8, 64, BATCH_SIZE) if s >= min(count, BATCH_SIZE))
    for start in range(0, count, size):
        at = slice(start, min(start + size, count))
        batch = patches[at if rows is None else rows[at]]
        padded = np.zeros((size, *batch.shape[1:]), np.uint8)
        padded[: len(batch)] = batch
        yield at, padded
