"""Some patches that a run did not train on, to compare two ways of computing its answers."""

import contextlib

import numpy as np

from idc.datasets.store import open_store
from idc.errors import DataError, RunError
from idc.runs.run import Run, check_same_data


def held_out_patches(run: Run, count: int) -> tuple[np.ndarray, str]:
    """Validation patches of a run, those of other held-out parts if it has none.

    Args:
        count: how many; a small part repeats some.

    Returns:
        uint8 RGB, shape (count, side, side, 3), evenly chosen, or made where the data set is gone;
        and where they come from, in words.
    """
    with contextlib.suppress(DataError, RunError, KeyError):  # a shipped run names no rows
        store = open_store(run.config.data)
        check_same_data(run, store)
        predicted = run.predictions().set_index("row")
        validation = predicted[predicted["part"] == "validation"]
        rows = np.unique((validation if len(validation) else predicted).index.to_numpy())
        at = np.linspace(0, len(rows) - 1, count).round().astype(int)
        return np.asarray(store.patches[rows[at]]), "held-out patches of the run's data set"
    return _made_patches(count, run.description().side_px), (
        "random pixels, because the run's data set is not here"
    )


def _made_patches(count: int, side_px: int) -> np.ndarray:
    # Of every brightness: noise alone is the same grey to a network that averages.
    level = np.linspace(0, 191, count).astype(np.uint8)[:, None, None, None]
    return level + np.random.default_rng(0).integers(0, 64, (count, side_px, side_px, 3), np.uint8)
