"""The recorded runs on demo tissue, which are installed as regular runs.

`idc.shipped.build_assets` makes them. Their predictions are stored by patch name; installing them
looks up the rows in the generated demo tissue.
"""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from idc.datasets.store import PatchStore
from idc.errors import RunError
from idc.files.home import runs_dir
from idc.runs.checksums import write_checked, write_checked_json
from idc.runs.light_model import SHIPPED_RECORD_FILE, home_record_path
from idc.runs.run import CONFIG_FILE, ENVIRONMENT_FILE, PREDICTIONS_FILE, SHIPPED_DIR

RECORDED_DIR = SHIPPED_DIR / "demo"

_PATCH_KEY = ["case", "x", "y"]


def install_recorded_runs(store: PatchStore) -> list[str]:
    """Copy the recorded runs into the runs' folder, as runs on ``store``.

    A run that exists, or that contains patches which ``store`` lacks, is skipped.

    Returns:
        the ids of the installed runs.

    Raises:
        RunError: the runs' folder cannot be written.
    """
    installed = []
    for shipped in sorted(RECORDED_DIR.glob(f"*/{CONFIG_FILE}")):
        predictions = _with_store_rows(pd.read_parquet(shipped.parent / PREDICTIONS_FILE), store)
        target = runs_dir() / shipped.parent.name
        if predictions is None or target.exists():
            continue
        hidden = target.with_name(f".{target.name}")
        try:
            shutil.rmtree(hidden, ignore_errors=True)
            shutil.copytree(shipped.parent, hidden)
            write_checked(hidden / PREDICTIONS_FILE, predictions.to_parquet(index=False))
            _update_json(hidden / ENVIRONMENT_FILE, data_sha256=store.fingerprint)
            _update_json(hidden / CONFIG_FILE, data=store.name)
            _move_record(hidden, target)
            hidden.rename(target)
        except OSError as error:
            shutil.rmtree(hidden, ignore_errors=True)
            raise RunError(
                f"The recorded runs could not be written to '{runs_dir()}' ({error.strerror}); "
                "free disk space or check the folder's permissions."
            ) from error
        installed.append(target.name)
    return installed


def _move_record(hidden: Path, target: Path) -> None:
    """Move the record of the light engine's file to the home, where those of installed runs are."""
    if (shipped := hidden / SHIPPED_RECORD_FILE).exists():
        record = home_record_path(target.name)
        record.parent.mkdir(exist_ok=True)
        shipped.replace(record)


def _with_store_rows(predictions: pd.DataFrame, store: PatchStore) -> pd.DataFrame | None:
    """The predictions with their rows in ``store``; None if ``store`` lacks one of the patches."""
    rows = store.index[_PATCH_KEY].assign(row=np.arange(len(store)))
    located = predictions.merge(rows, how="left", on=_PATCH_KEY)
    if located["row"].isna().any():
        return None
    return located.astype({"row": "int64"})[["row", "probability", "part"]]


def _update_json(path: Path, **values: Any) -> None:
    write_checked_json(path, {**json.loads(path.read_text(encoding="utf-8")), **values})
