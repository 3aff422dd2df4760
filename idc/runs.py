"""A run's folder ``runs/<id>/`` and its life: create, start, watch, stop, continue, list.

The folder is the only meeting place of trainer and app. The trainer (`idc.trainer`) is a process
of its own in its own session; a page only reads the folder, and asks for a stop by a small file.
Whether a trainer is alive is told by the lock that it holds, which the system releases however it
ends.
"""

import contextlib
import json
import os
import secrets
import shutil
import subprocess
import sys
import threading
import time
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from idc import durable, left_out
from idc.config import TrainingConfig
from idc.errors import ConfigError, RunError
from idc.home import runs_dir
from idc.kaggle_login import without_kaggle_secrets
from idc.memory import KEEP_FREED_MEMORY
from idc.runlock import RUN_ID, hold_lock, is_locked
from idc.runlog import RunLog, read_log
from idc.store import PatchStore

if TYPE_CHECKING:
    from idc.calibration import Calibration

CONFIG_FILE = "config.json"
STATUS_FILE = "status.json"
ENVIRONMENT_FILE = "environment.json"
CONTROL_FILE = "control.json"
PREDICTIONS_FILE = "predictions.parquet"
WEIGHTS_FILE = "best.weights.h5"
BEST_FILE = "best.json"
TRAINER_OUTPUT_FILE = "trainer.txt"
CALIBRATION_FILE = "calibration.json"
TRAIN_CASES_FILE = "train_cases.json"
PROFILE_FILE = "profile.npz"

# The model that comes with IDC Lab is a run's folder too, inside the package and read only.
BUNDLED = "bundled"
SHIPPED_DIR = Path(__file__).resolve().parent / "shipped_runs"

# A trainer takes its lock within a second of its start; this long after, no lock means no trainer.
_START_GRACE_S = 20.0


@dataclass(frozen=True)
class RunStatus:
    """The content of ``status.json``.

    Attributes:
        state: "starting", "running", "finished", "stopped", "failed" or "interrupted" (told from
            the lock: it says running, but no trainer lives).
        phase: what a running trainer does: "loading", "training", "validating", "scoring".
        epoch: finished epochs. ``epochs``: how many it is to reach.
        step: finished steps of the current epoch, of ``steps``.
        patches_per_s: training speed now. ``left_s``: estimated seconds to the end.
        reason: why it ended, one sentence.
        patience_from: early stopping counts no epoch before this one.
        updated: seconds since 1970.
    """

    state: str
    epochs: int
    phase: str = ""
    epoch: int = 0
    step: int = 0
    steps: int = 0
    patches_per_s: float | None = None
    left_s: float | None = None
    reason: str = ""
    patience_from: int = 0
    updated: float = field(default_factory=time.time)

    @property
    def live(self) -> bool:
        """Whether a trainer works on it, or is just being started."""
        return self.state in ("starting", "running")


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
        return self.config.name or self.id

    @property
    def bundled(self) -> bool:
        """Whether it is the model that comes with IDC Lab, whose data set is not at hand."""
        return self.id == BUNDLED

    def status(self) -> RunStatus:
        """Where it stands now.

        Raises:
            RunError: ``status.json`` is unreadable.
        """
        status = _read_status(self.folder)
        if not status.live or is_locked(self.folder):
            return status
        if status.state == "starting" and time.time() - status.updated < _START_GRACE_S:
            return status
        again = _read_status(self.folder)  # it may have ended between the two looks
        if not again.live:
            return again
        return replace(
            again,
            state="interrupted",
            phase="",
            left_s=None,
            reason="The training process ended without a word (killed, or the machine went down). "
            "Its finished epochs are kept; continue it.",
        )

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
        from idc.calibration import Calibration  # scikit-learn takes a second; lists need it not

        try:
            return Calibration(**_read_json(self.folder / CALIBRATION_FILE))
        except TypeError as error:
            raise RunError(f"The calibration of the run '{self.title}' is damaged.") from error

    def left_out(self) -> np.ndarray:
        """int64 rows that do not train, settled when the run was created; see `idc.left_out`.

        Raises:
            RunError: the record is damaged or gone.
        """
        return left_out.read(self.folder, self.config)

    def write_status(self, status: RunStatus) -> None:
        """Replace ``status.json`` atomically."""
        durable.replace_json(self.folder / STATUS_FILE, asdict(status))

    def request_stop(self) -> None:
        """Ask the trainer to stop at its next step. Finished epochs are kept."""
        durable.replace_json(self.folder / CONTROL_FILE, {"request": "stop"})

    def stop_requested(self) -> bool:
        """Whether somebody asked for a stop since the trainer started."""
        return _read_json(self.folder / CONTROL_FILE).get("request") == "stop"

    def trainer_lock(self) -> contextlib.AbstractContextManager[None]:
        """Held by the trainer while it lives; see `idc.runlock.hold_lock`."""
        return hold_lock(self.folder)


def create_run(config: TrainingConfig, *, same_left_out_as: Run | None = None) -> Run:
    """Make a run's folder. It appears whole, with the state "starting".

    Args:
        same_left_out_as: leave out the very patches that this run left out, whatever reviewers
            have marked since.

    Raises:
        RunError: the folder cannot be written.
        IdcError: marked patches are to be left out, and data set or marks cannot be read.
    """
    if same_left_out_as is not None:
        record = left_out.read_record(same_left_out_as.folder)
    else:
        record = left_out.settle(config)
    stamp = time.strftime("%Y%m%d-%H%M%S")
    run_id = f"{stamp}-{config.preset}-{secrets.token_hex(2)}"
    hidden = runs_dir() / f".{run_id}"
    try:
        hidden.mkdir(parents=True)
        durable.replace_json(hidden / CONFIG_FILE, config.to_json())
        if config.leave_out_marked:
            durable.replace_json(hidden / left_out.LEFT_OUT_FILE, record)
        Run(hidden, config).write_status(RunStatus(state="starting", epochs=config.epochs))
        hidden.rename(runs_dir() / run_id)
    except OSError as error:
        shutil.rmtree(hidden, ignore_errors=True)
        raise RunError(
            f"The run could not be written to '{runs_dir()}' ({error.strerror}); make room or "
            "check the folder's rights."
        ) from error
    return Run(runs_dir() / run_id, config)


def open_run(run_id: str) -> Run:
    """Open a run by its id.

    Raises:
        RunError: there is none of that id, or it is damaged.
    """
    folder = (SHIPPED_DIR if run_id == BUNDLED else runs_dir()) / run_id
    if not RUN_ID.fullmatch(run_id) or not (folder / CONFIG_FILE).exists():
        raise RunError(f"There is no run '{run_id[:100]}'; 'python -m idc runs' lists them.")
    try:
        settings = json.loads((folder / CONFIG_FILE).read_text(encoding="utf-8"))
        config = TrainingConfig.from_json(settings)
    except (OSError, ValueError, ConfigError) as error:
        raise RunError(f"The settings of the run '{run_id}' are damaged on disk.") from error
    return Run(folder, config)


def list_runs() -> list[Run]:
    """All readable runs, the newest first."""
    found = []
    for path in runs_dir().glob(f"*/{CONFIG_FILE}"):
        if path.parent.name.startswith("."):
            continue
        with contextlib.suppress(RunError, OSError):  # a damaged run must not hide the others
            run = open_run(path.parent.name)
            _read_status(run.folder)
            # An id tells seconds; of two runs within one, the folder written first is the older.
            found.append((run.id[:15], path.stat().st_mtime_ns, run))
    return [run for *_, run in sorted(found, key=lambda entry: entry[:2], reverse=True)]


def start_trainer(run: Run) -> None:
    """Start the trainer as a process of its own; it outlives the app.

    Raises:
        RunError: a trainer works on this run already.
    """
    with (run.folder / TRAINER_OUTPUT_FILE).open("ab") as output:
        process = subprocess.Popen(
            trainer_command(run),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            cwd=Path(__file__).resolve().parent.parent,
            env={
                **KEEP_FREED_MEMORY,
                **without_kaggle_secrets(os.environ),
                "IDC_HOME": str(run.folder.parent.parent),
            },
        )
    # Without somebody who waits for it, an ended trainer would stay in the process table.
    threading.Thread(target=process.wait, daemon=True).start()


def trainer_command(run: Run) -> list[str]:
    """The command line that trains a run."""
    return [sys.executable, "-m", "idc.trainer", run.id]


def prepare_to_continue(run: Run, more_epochs: int | None = None) -> RunStatus:
    """Set a run that has ended to "starting" again.

    Args:
        more_epochs: train so many epochs beyond the finished ones. By default a run that was cut
            off or stopped goes on to the number it was started with, and a run that had reached
            its end trains as many epochs again as its settings say.

    Raises:
        RunError: it is being trained, or ``more_epochs`` is below 1.
    """
    if run.shipped():
        raise RunError(
            f"The run '{run.title}' came with IDC Lab, without its checkpoints; start a new run "
            "with its settings."
        )
    status = run.status()
    if status.live:
        raise RunError(f"The run '{run.title}' is being trained already.")
    if more_epochs is not None and more_epochs < 1:
        raise RunError(f"more_epochs must be at least 1. Received: {more_epochs}")
    if more_epochs is None and status.state != "finished":
        epochs = status.epochs
    else:
        epochs = status.epoch + (more_epochs or run.config.epochs)
    (run.folder / CONTROL_FILE).unlink(missing_ok=True)
    # Early stopping ended it once; going on is a decision to wait for as long again.
    patience_from = status.epoch if status.state == "finished" else status.patience_from
    started = RunStatus(
        state="starting", epochs=epochs, epoch=status.epoch, patience_from=patience_from
    )
    run.write_status(started)
    return started


def check_same_data(run: Run, store: PatchStore) -> None:
    """Row numbers mean something only in the very data set that a run began with.

    Raises:
        RunError: the data set was packed anew since.
    """
    known = run.environment().get("data_sha256") or left_out.read_record(run.folder).get(
        "data_sha256"
    )
    if known and known != store.fingerprint:
        raise RunError(
            f"The data set '{store.name}' was packed anew since the run '{run.title}' trained on "
            "it, so its patches are no longer the same ones; train again."
        )


def _read_status(folder: Path) -> RunStatus:
    try:
        return RunStatus(**json.loads((folder / STATUS_FILE).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError) as error:
        raise RunError(f"The status of the run '{folder.name}' is damaged on disk.") from error


def _read_json(path: Path) -> dict[str, Any]:
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise RunError(f"'{path.name}' of the run '{path.parent.name}' is damaged.") from error
    return value if isinstance(value, dict) else {}
