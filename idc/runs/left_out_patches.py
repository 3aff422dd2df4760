"""Patches that a run does not train on because reviewers marked their labels as wrong.

Marks change; a run must not. So the rows that count as wrong are settled once, when the run is
created, and recorded in its folder as ``left_out.json``: whoever continues or repeats the run
leaves out the very same ones. Only the training part loses them: what is scored stays comparable
with other runs.
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
    """The record for a new run: all rows that count as wrongly labelled at this moment.

    Returns:
        ``data_sha256`` (the packing that the rows belong to) and ``patches``: ``row``, ``case``,
        ``x``, ``y``, ``label`` of each. Empty when the run leaves nothing out.

    Raises:
        IdcError: data set or marks cannot be read, or too little is left to train on.
    """
    if not config.leave_out_marked:
        return {}
    store = open_store(config.data)
    rows = rows_marked_wrong(config.data, store.index)
    split_for_config(config, store.index, rows)  # refuses now what the trainer would refuse
    columns = ["case", "x", "y", "label"]
    patches = store.index.iloc[rows][columns].astype("int64").assign(row=rows)
    return {
        "data_sha256": store.fingerprint,
        "patches": patches[["row", *columns]].to_dict("records"),
    }


def read_left_out(run_folder: Path, config: TrainingConfig) -> np.ndarray:
    """The rows that do not train in a run, int64; some may lie outside its training part.

    Raises:
        RunError: the record is damaged, or gone though the settings ask for one.
    """
    if not config.leave_out_marked:
        return np.empty(0, np.int64)
    try:
        return np.array([patch["row"] for patch in read_record(run_folder)["patches"]], np.int64)
    except (KeyError, TypeError, ValueError) as error:
        raise _damaged(run_folder) from error


def read_record(run_folder: Path) -> dict[str, Any]:
    """What `snapshot_left_out` gave; empty when the run leaves nothing out.

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
        f"The record of the patches that the run '{run_folder.name}' leaves out is damaged on "
        "disk; train a new run."
    )
