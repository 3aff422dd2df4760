"""A run's folder ``runs/<id>/``: open it, read the trainer's files, list all runs.

The folder is the only interface between trainer and app. The trainer (`idc.training.trainer`) is a
separate process; pages read the folder and send requests through ``control.json``. Runs are
started and resumed by `idc.launch.start`.
"""

import contextlib
import io
import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pyarrow as pa

from idc.datasets.description import DataDescription
from idc.datasets.store import PatchStore
from idc.errors import ConfigError, DamagedFile, RunError
from idc.files.home import runs_dir
from idc.runs import checksums, control, left_out_patches
from idc.runs.lock import RUN_ID, hold_lock
from idc.runs.log import LOG_FILE, RunLog, read_log
from idc.runs.model_hash import weights_model_sha256
from idc.runs.notes import RunNotes, read_notes
from idc.runs.status import STATUS_FILE, RunStatus, current_status, read_status, write_status
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
# The weights determine these; `idc.training.recompute_worker` writes them again.
RECOMPUTABLE_FILES = (PREDICTIONS_FILE, CALIBRATION_FILE)

# The bundled model is a read-only run folder inside the package.
BUNDLED_RUN_ID = "bundled"
SHIPPED_DIR = Path(__file__).resolve().parents[1] / "shipped_runs"

_FILES_OF_EACH_RUN = (CONFIG_FILE, STATUS_FILE, BEST_FILE, LOG_FILE)
_PREDICTION_COLUMNS = {"probability", "part"}
# What pyarrow and pandas raise for damaged Parquet.
_PARQUET_ERRORS = (pa.ArrowException, OSError, ValueError, KeyError, TypeError, OverflowError)


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
        """Everything logged so far; its problems name damaged and missing epochs."""
        finished = 0
        with contextlib.suppress(RunError):  # without a status no epoch is known to be missing
            finished = read_status(self.folder).epoch  # before the log: it is written after it
        return read_log(self.folder, finished)

    def why_no_model(self) -> str:
        """The sentence for a run without weights: not trained yet, or they are lost."""
        with contextlib.suppress(RunError):
            if read_status(self.folder).epoch:
                return (
                    f"The weights of the run '{self.title}' are missing on disk: 'best.json' or "
                    "'best.weights.h5' is gone. Choose another run."
                )
        return f"The run '{self.title}' has no finished epoch yet; let it train for an epoch."

    def environment(self) -> dict[str, Any]:
        """Versions and device; empty until the trainer has loaded Keras.

        Raises:
            DamagedFile: ``environment.json`` is damaged.
        """
        return self._read_json(ENVIRONMENT_FILE)

    def description(self) -> DataDescription:
        """The description of the data set that it trained on, without the names of cases.

        Raises:
            DataError: it is damaged.
        """
        return DataDescription.from_json(self.environment().get("data_description"))

    def best(self) -> dict[str, Any]:
        """The best weights: ``epoch``, scores, ``sha256`` (of the file) and ``model_sha256`` (of
        the arrays, see `idc.runs.model_hash`; older runs lack it); empty before the first ones.

        Raises:
            DamagedFile: ``best.json`` is damaged.
        """
        return self._read_json(BEST_FILE)

    def model_sha256(self) -> str:
        """The digest of the best weights' arrays; "" without weights, or if they are damaged."""
        best = self.best()
        known = str(best.get("model_sha256", ""))
        return known or weights_model_sha256(self.folder / WEIGHTS_FILE, best.get("sha256", ""))

    def shipped(self) -> bool:
        """Whether it came with IDC Lab, without checkpoints, so that it cannot be resumed."""
        return bool(self.environment().get("shipped"))

    def has_model(self) -> bool:
        """Whether it has weights to predict with: at least one epoch is finished."""
        return (self.folder / WEIGHTS_FILE).exists() and (self.folder / BEST_FILE).exists()

    def has_predictions(self) -> bool:
        """Whether it has predictions to evaluate, intact or not."""
        return checksums.has_file(self.folder / PREDICTIONS_FILE)

    def predictions_modified_ns(self) -> int:
        """When its predictions were last written, for cache keys; 0 without any."""
        try:
            return (self.folder / PREDICTIONS_FILE).stat().st_mtime_ns
        except OSError:
            return 0

    def predictions(self) -> pd.DataFrame:
        """Predictions of the best weights: ``row`` int64, ``probability`` float32 [0, 1], ``part``.

        Raises:
            RunError: there are none yet.
            DamagedFile: the file is damaged.
        """
        try:
            table = pd.read_parquet(io.BytesIO(self.read_file(PREDICTIONS_FILE)))
        except FileNotFoundError as error:
            raise RunError(
                f"The run '{self.title}' has no finished epoch yet, so there is nothing to "
                "evaluate; let it train for an epoch."
            ) from error
        except _PARQUET_ERRORS as error:
            raise self.damaged_file(PREDICTIONS_FILE, "it is not a table") from error
        if not set(table.columns) >= _PREDICTION_COLUMNS:
            raise self.damaged_file(PREDICTIONS_FILE, "it lacks columns")
        return table

    def calibration(self) -> "Calibration":
        """The calibration of its probabilities; without a file the identity, threshold 0.5.

        Raises:
            DamagedFile: ``calibration.json`` is damaged.
        """
        from idc.metrics.calibration import (
            Calibration,  # imports scikit-learn (1 s), which lists of runs do not need
        )

        values = self._read_json(CALIBRATION_FILE)
        try:
            return Calibration(**{name: float(value) for name, value in values.items()})
        except (TypeError, ValueError) as error:
            raise self.damaged_file(CALIBRATION_FILE, "it is not a calibration") from error

    def damage(self) -> list[str]:
        """What `idc.training.recompute_worker` can write again, one sentence a damaged file."""
        problems = []
        for name, read in (
            (PREDICTIONS_FILE, self.predictions),
            (CALIBRATION_FILE, self.calibration),
        ):
            if checksums.has_file(self.folder / name):
                try:
                    read()
                except DamagedFile as error:
                    problems.append(str(error))
        return problems

    def read_file(self, name: str, *, required: bool = False) -> bytes:
        """A file's content, compared with its checksum if it has one.

        Args:
            required: whether the file counts as damaged if the run never had it.

        Raises:
            FileNotFoundError: the run does not have this file, and it is not required.
            DamagedFile: it is damaged or gone; the sentence says what to do.
        """
        try:
            return checksums.read_checked(self.folder / name)
        except DamagedFile as error:
            raise self.damaged_file(name, str(error)) from error
        except FileNotFoundError as error:
            if required:
                raise self.damaged_file(name, "it is missing") from error
            raise

    def damaged_file(self, name: str, reason: str) -> DamagedFile:
        """The error for a damaged file: what is wrong, what to do."""
        return DamagedFile(
            f"'{name}' of the run '{self.title}' is damaged on disk ({reason}); "
            f"{self._repair_advice(name)}."
        )

    def _repair_advice(self, name: str) -> str:
        if self.bundled:
            return "install IDC Lab again"
        if name in RECOMPUTABLE_FILES and self.has_model():
            return f"compute it again on Evaluate, or with: python -m idc recompute {self.id}"
        if name in RECOMPUTABLE_FILES:
            return "continue the run to write it again, or delete it"
        if name == BEST_FILE:  # holds the checksum of the weights
            return "its model cannot be used; evaluate the run, or delete it"
        return "delete the run"

    def _read_json(self, name: str) -> dict[str, Any]:
        try:
            value = json.loads(self.read_file(name))
        except FileNotFoundError:
            return {}
        except ValueError as error:
            raise self.damaged_file(name, "it is not JSON") from error
        if not isinstance(value, dict):
            raise self.damaged_file(name, "it is not JSON with names")
        return value

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


@dataclass(frozen=True)
class DamagedRun:
    """A run with a damaged file that every list needs.

    Attributes:
        problem: what is damaged and what to do, one sentence.
        run: None if its settings are damaged; otherwise it may still be evaluated.
    """

    folder: Path
    problem: str
    run: Run | None = None

    @property
    def id(self) -> str:
        """The folder's name."""
        return self.folder.name

    def can_evaluate(self) -> bool:
        """Whether it has predictions, and what is needed to find their patches."""
        if self.run is None:
            return False
        try:
            self.run.environment()  # holds the data set's fingerprint
        except RunError:
            return False
        return self.run.has_predictions()


def open_run(run_id: str) -> Run:
    """Open a run by its id.

    Raises:
        RunError: no run has this id, or it is damaged.
    """
    folder = (SHIPPED_DIR if run_id == BUNDLED_RUN_ID else runs_dir()) / run_id
    if not RUN_ID.fullmatch(run_id) or not _is_run_folder(folder):
        raise RunError(f"There is no run '{run_id[:100]}'.")
    return open_run_at(folder)


def open_run_at(folder: Path) -> Run:
    """Open a run in any folder.

    Raises:
        RunError: its settings are damaged.
    """
    try:
        settings = json.loads(checksums.read_checked(folder / CONFIG_FILE))
        config = TrainingConfig.from_json(settings)
    except (OSError, ValueError, TypeError, ConfigError, DamagedFile) as error:
        raise DamagedFile(
            f"The settings of the run '{folder.name}' are damaged on disk; delete the run."
        ) from error
    return Run(folder, config)


def list_runs() -> list[Run]:
    """All undamaged runs, newest first."""
    return [run for run in _all_runs() if isinstance(run, Run)]


def list_damaged_runs() -> list[DamagedRun]:
    """The runs that `list_runs` leaves out, newest first."""
    return [run for run in _all_runs() if isinstance(run, DamagedRun)]


def _all_runs() -> list[Run | DamagedRun]:
    found = []
    for folder in runs_dir().glob("*"):
        if not RUN_ID.fullmatch(folder.name) or not _is_run_folder(folder):
            continue
        with contextlib.suppress(FileNotFoundError):  # deleted meanwhile
            # Ids have a resolution of one second; within it, file times give the order.
            written_ns = _created_ns(folder)
            found.append((folder.name[:15], written_ns, _read_run(folder)))
    return [run for *_, run in sorted(found, key=lambda entry: entry[:2], reverse=True)]


def _is_run_folder(folder: Path) -> bool:
    return any((folder / name).exists() for name in _FILES_OF_EACH_RUN)


def _created_ns(folder: Path) -> int:
    path = folder / CONFIG_FILE
    return (path if path.exists() else folder).stat().st_mtime_ns


def _read_run(folder: Path) -> Run | DamagedRun:
    try:
        run = open_run_at(folder)
    except RunError as error:
        folder.stat()
        return DamagedRun(folder, str(error))
    try:
        read_status(folder)
        run.environment()
        run.best()
    except RunError as error:
        folder.stat()  # FileNotFoundError: not damaged, but deleted meanwhile
        return DamagedRun(folder, str(error), run)
    return run


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
