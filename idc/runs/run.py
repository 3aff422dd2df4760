"""A run's folder ``runs/<id>/``: open it, read the trainer's files, list all runs.

The folder is the only interface between trainer and app. The trainer (`idc.training.trainer`) is a
separate process; pages read the folder and send requests through ``control.json``. Runs are
started and resumed by `idc.launch.start`.
"""

import contextlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from idc.datasets.description import DataDescription
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

# The bundled model is a read-only run folder inside the package.
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
        """Its name, or its id without one."""
        return self.notes().name or self.id

    @property
    def bundled(self) -> bool:
        """Whether it is the model bundled with IDC Lab, whose data set is not available."""
        return self.id == BUNDLED_RUN_ID

    def status(self) -> RunStatus:
        """Its current status.

        Raises:
            RunError: ``status.json`` is unreadable.
        """
        return current_status(self.folder)

    def notes(self) -> RunNotes:
        """Its current name and notes."""
        return read_notes(self.folder, self.config.name)

    def log(self) -> RunLog:
        """Everything logged so far."""
        return read_log(self.folder)

    def environment(self) -> dict[str, Any]:
        """Versions and device; empty until the trainer has loaded Keras."""
        return _read_json(self.folder / ENVIRONMENT_FILE)

    def description(self) -> DataDescription:
        """The description of the data set that it trained on, without the names of cases.

        Raises:
            DataError: it is damaged.
        """
        return DataDescription.from_json(self.environment().get("data_description"))

    def best(self) -> dict[str, Any]:
        """``epoch``, scores and ``sha256`` of the best weights; empty before the first ones."""
        return _read_json(self.folder / BEST_FILE)

    def shipped(self) -> bool:
        """Whether it came with IDC Lab, without checkpoints, so that it cannot be resumed."""
        return bool(self.environment().get("shipped"))

    def has_model(self) -> bool:
        """Whether it has weights to predict with: at least one epoch is finished."""
        return (self.folder / WEIGHTS_FILE).exists() and (self.folder / BEST_FILE).exists()

    def has_predictions(self) -> bool:
        """Whether it can be evaluated."""
        return (self.folder / PREDICTIONS_FILE).exists()

    def predictions(self) -> pd.DataFrame:
        """Predictions of the best weights: ``row`` int64, ``probability`` float32 [0, 1], ``part``.

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
        """The calibration of its probabilities; without a file the identity, threshold 0.5.

        Raises:
            RunError: ``calibration.json`` is damaged.
        """
        from idc.metrics.calibration import (
            Calibration,  # imports scikit-learn (1 s), which lists of runs do not need
        )

        try:
            return Calibration(**_read_json(self.folder / CALIBRATION_FILE))
        except TypeError as error:
            raise RunError(f"The calibration of the run '{self.title}' is damaged.") from error

    def left_out(self) -> np.ndarray:
        """int64 rows excluded from training, see `idc.runs.left_out_patches`.

        Raises:
            RunError: the record is damaged or gone.
        """
        return left_out_patches.read_left_out(self.folder, self.config)

    def write_status(self, status: RunStatus) -> None:
        """Replace ``status.json`` atomically."""
        write_status(self.folder, status)

    def request_stop(self) -> None:
        """Request a stop at the next step; finished epochs are kept."""
        control.send_request(self.folder, control.STOP)

    def stop_requested(self) -> bool:
        """Whether a stop was requested since the trainer started."""
        return control.read_request(self.folder)[0] == control.STOP

    def trainer_lock(self) -> contextlib.AbstractContextManager[None]:
        """The lock that its trainer holds; see `idc.runs.lock.hold_lock`."""
        return hold_lock(self.folder)


def open_run(run_id: str) -> Run:
    """Open a run by its id.

    Raises:
        RunError: no run has this id, or it is damaged.
    """
    folder = (SHIPPED_DIR if run_id == BUNDLED_RUN_ID else runs_dir()) / run_id
    if not RUN_ID.fullmatch(run_id) or not (folder / CONFIG_FILE).exists():
        raise RunError(f"There is no run '{run_id[:100]}'.")
    return open_run_at(folder)


def open_run_at(folder: Path) -> Run:
    """Open a run in any folder.

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
    """All readable runs, newest first."""
    found = []
    for path in runs_dir().glob(f"*/{CONFIG_FILE}"):
        if path.parent.name.startswith("."):
            continue
        with contextlib.suppress(RunError, OSError):  # skip a damaged run
            run = open_run(path.parent.name)
            read_status(run.folder)
            # Ids have a resolution of one second; within it, file times give the order.
            found.append((run.id[:15], path.stat().st_mtime_ns, run))
    return [run for *_, run in sorted(found, key=lambda entry: entry[:2], reverse=True)]


def check_same_data(run: Run, store: PatchStore) -> None:
    """Check that a run's row numbers refer to this store.

    Raises:
        RunError: the data set was repacked after the run was created.
    """
    known = run.environment().get("data_sha256") or left_out_patches.read_record(run.folder).get(
        "data_sha256"
    )
    if known and known != store.fingerprint:
        raise RunError(
            f"The data set '{store.name}' was packed again after the run '{run.title}' trained on "
            "it, so its patches are no longer the same; train again."
        )


def _read_json(path: Path) -> dict[str, Any]:
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise RunError(f"'{path.name}' of the run '{path.parent.name}' is damaged.") from error
    return value if isinstance(value, dict) else {}
