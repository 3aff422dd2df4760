"""Patches excluded from training because reviewers marked their labels as wrong.

Marks change, but a run must be repeatable: the excluded rows are recorded in ``left_out.json`` when
the run is created, and reused when it is resumed or repeated. Only the training part excludes
them, so that scores stay comparable with other runs.
"""

import json
from pathlib import Path
from typing import Any

import numpy as np

from idc.datasets.label_marks import rows_marked_wrong
from idc.datasets.store import open_store
from idc.errors import RunError
from idc.settings.training_config import TrainingConfig, split_for_config

LEFT_OUT_FILE = "left_out.json"


def snapshot_left_out(config: TrainingConfig) -> dict[str, Any]:
    """The record for a new run: all rows currently marked as wrongly labelled.

    Returns:
        ``data_sha256`` (fingerprint of the store) and ``patches``: ``row``, ``case``, ``x``,
        ``y``, ``label`` of each. Empty if the setting is off.

    Raises:
        IdcError: data set or marks cannot be read, or too few training patches are left.
    """
    if not config.leave_out_marked:
        return {}
    store = open_store(config.data)
    rows = rows_marked_wrong(config.data, store.index)
    split_for_config(config, store, rows)  # raises the errors that the trainer would raise
    columns = ["case", "x", "y", "label"]
    patches = store.index.iloc[rows][columns].astype("int64").assign(row=rows)
    return {
        "data_sha256": store.fingerprint,
        "patches": patches[["row", *columns]].to_dict("records"),
    }


def read_left_out(run_folder: Path, config: TrainingConfig) -> np.ndarray:
    """The rows excluded from training, int64; some may lie outside the training part.

    Raises:
        RunError: the record is damaged, or missing although the setting is on.
    """
    if not config.leave_out_marked:
        return np.empty(0, np.int64)
    try:
        return np.array([patch["row"] for patch in read_record(run_folder)["patches"]], np.int64)
    except (KeyError, TypeError, ValueError) as error:
        raise _damaged(run_folder) from error


def read_record(run_folder: Path) -> dict[str, Any]:
    """The record of `snapshot_left_out`; empty without one.

    Raises:
        RunError: it is damaged.
    """
    try:
        record = json.loads((run_folder / LEFT_OUT_FILE).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise _damaged(run_folder) from error
    if not isinstance(record, dict):
        raise _damaged(run_folder)
    return record


def _damaged(run_folder: Path) -> RunError:
    return RunError(
        f"The record of the patches left out of the run '{run_folder.name}' is damaged on "
        "disk; train a new run."
    )
