"""A run's folder ``runs/<id>/``: open it, read what its trainer wrote, list all of them.

The folder is the only meeting place of trainer and app. The trainer (`idc.training.trainer`) is a
process of its own; a page only reads the folder, and asks for things by a small file. How a run
begins and goes on is in `idc.launch.start`.
"""

import contextlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from idc.datasets.store import PatchStore
from idc.errors import ConfigError, RunError
from idc.files.home import runs_dir
from idc.runs import control, left_out_patches
from idc.runs.lock import RUN_ID, hold_lock
from idc.runs.log import RunLog, read_log
from idc.runs.notes import RunNotes, read_notes
from idc.runs.status import RunStatus, current_status, read_status, write_status
from idc.settings.training_config import TrainingConfig

if TYPE_CHECKING:
    from idc.metrics.calibration import Calibration

CONFIG_FILE = "config.json"
ENVIRONMENT_FILE = "environment.json"
PREDICTIONS_FILE = "predictions.parquet"
WEIGHTS_FILE = "best.weights.h5"
BEST_FILE = "best.json"
CALIBRATION_FILE = "calibration.json"
TRAIN_CASES_FILE = "train_cases.json"
PROFILE_FILE = "profile.npz"

# The model that comes with IDC Lab is a run's folder too, inside the package and read only.
BUNDLED_RUN_ID = "bundled"
SHIPPED_DIR = Path(__file__).resolve().parents[1] / "shipped_runs"


@dataclass(frozen=True)
class Run:
    """One run's folder."""

    folder: Path
    config: TrainingConfig

    @property
    def id(self) -> str:
        """The folder's name."""
        return self.folder.name

    @property
    def title(self) -> str:
        """What people call it."""
        return self.notes().name or self.id

    @property
    def bundled(self) -> bool:
        """Whether it is the model that comes with IDC Lab, whose data set is not at hand."""
        return self.id == BUNDLED_RUN_ID

    def status(self) -> RunStatus:
        """Where it stands now.

        Raises:
            RunError: ``status.json`` is unreadable.
        """
        return current_status(self.folder)

    def notes(self) -> RunNotes:
        """Its name and notes as people last wrote them."""
        return read_notes(self.folder, self.config.name)

    def log(self) -> RunLog:
        """Everything logged so far."""
        return read_log(self.folder)

    def environment(self) -> dict[str, Any]:
        """Versions and device; empty before the trainer has loaded."""
        return _read_json(self.folder / ENVIRONMENT_FILE)

    def best(self) -> dict[str, Any]:
        """``epoch``, scores and ``sha256`` of the kept weights; empty before there are any."""
        return _read_json(self.folder / BEST_FILE)

    def shipped(self) -> bool:
        """Whether it came with IDC Lab, without checkpoints, so that it cannot be continued."""
        return bool(self.environment().get("shipped"))

    def has_model(self) -> bool:
        """Whether it can predict: at least one epoch is finished."""
        return (self.folder / WEIGHTS_FILE).exists() and (self.folder / BEST_FILE).exists()

    def has_predictions(self) -> bool:
        """Whether it can be evaluated."""
        return (self.folder / PREDICTIONS_FILE).exists()

    def predictions(self) -> pd.DataFrame:
        """The best weights' answers: ``row`` int64, ``probability`` float32 [0, 1], ``part``.

        Raises:
            RunError: there are none yet, or the file is damaged.
        """
        try:
            return pd.read_parquet(self.folder / PREDICTIONS_FILE)
        except FileNotFoundError as error:
            raise RunError(
                f"The run '{self.title}' has no finished epoch yet, so there is nothing to "
                "evaluate; let it train for an epoch."
            ) from error
        except (OSError, ValueError) as error:
            raise RunError(
                f"The predictions of the run '{self.title}' are damaged on disk; continue the run "
                "to write them again."
            ) from error

    def calibration(self) -> "Calibration":
        """What its answers go through; a visitor's own runs are taken at their word, from 0.5 on.

        Raises:
            RunError: ``calibration.json`` is damaged.
        """
        from idc.metrics.calibration import (
            Calibration,  # scikit-learn takes a second; lists need it not
        )

        try:
            return Calibration(**_read_json(self.folder / CALIBRATION_FILE))
        except TypeError as error:
            raise RunError(f"The calibration of the run '{self.title}' is damaged.") from error

    def left_out(self) -> np.ndarray:
        """int64 rows that do not train, settled when the run was created; see
        `idc.runs.left_out_patches`.

        Raises:
            RunError: the record is damaged or gone.
        """
        return left_out_patches.read_left_out(self.folder, self.config)

    def write_status(self, status: RunStatus) -> None:
        """Replace ``status.json`` atomically."""
        write_status(self.folder, status)

    def request_stop(self) -> None:
        """Ask the trainer to stop at its next step. What is finished is kept."""
        control.send_request(self.folder, control.STOP)

    def stop_requested(self) -> bool:
        """Whether somebody asked for a stop since the trainer started."""
        return control.read_request(self.folder)[0] == control.STOP

    def trainer_lock(self) -> contextlib.AbstractContextManager[None]:
        """Held by the trainer while it lives; see `idc.runs.lock.hold_lock`."""
        return hold_lock(self.folder)


def open_run(run_id: str) -> Run:
    """Open a run by its id.

    Raises:
        RunError: there is none of that id, or it is damaged.
    """
    folder = (SHIPPED_DIR if run_id == BUNDLED_RUN_ID else runs_dir()) / run_id
    if not RUN_ID.fullmatch(run_id) or not (folder / CONFIG_FILE).exists():
        raise RunError(f"There is no run '{run_id[:100]}', or no longer.")
    return open_run_at(folder)


def open_run_at(folder: Path) -> Run:
    """Open a run whose folder lies anywhere.

    Raises:
        RunError: its settings are damaged.
    """
    try:
        settings = json.loads((folder / CONFIG_FILE).read_text(encoding="utf-8"))
        config = TrainingConfig.from_json(settings)
    except (OSError, ValueError, ConfigError) as error:
        raise RunError(f"The settings of the run '{folder.name}' are damaged on disk.") from error
    return Run(folder, config)


def list_runs() -> list[Run]:
    """All readable runs, the newest first."""
    found = []
    for path in runs_dir().glob(f"*/{CONFIG_FILE}"):
        if path.parent.name.startswith("."):
            continue
        with contextlib.suppress(RunError, OSError):  # a damaged run must not hide the others
            run = open_run(path.parent.name)
            read_status(run.folder)
            # An id tells seconds; of two runs within one, the folder written first is the older.
            found.append((run.id[:15], path.stat().st_mtime_ns, run))
    return [run for *_, run in sorted(found, key=lambda entry: entry[:2], reverse=True)]


def check_same_data(run: Run, store: PatchStore) -> None:
    """Row numbers mean something only in the very data set that a run began with.

    Raises:
        RunError: the data set was packed anew since.
    """
    known = run.environment().get("data_sha256") or left_out_patches.read_record(run.folder).get(
        "data_sha256"
    )
    if known and known != store.fingerprint:
        raise RunError(
            f"The data set '{store.name}' was packed anew since the run '{run.title}' trained on "
            "it, so its patches are no longer the same ones; train again."
        )


def _read_json(path: Path) -> dict[str, Any]:
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise RunError(f"'{path.name}' of the run '{path.parent.name}' is damaged.") from error
    return value if isinstance(value, dict) else {}
