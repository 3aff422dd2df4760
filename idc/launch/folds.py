"""Out-of-fold answers for every patch: a job that trains a run's settings once for each fold.

The cases are dealt into k folds, and k ordinary runs each hold one fold out and score it. Together
they answer for every patch of the data set, each by a model that has seen no patch of its case.

A job is a folder ``folds/<id>/`` beside ``runs/``: ``job.json`` (whose settings, how many folds),
``runs.json`` (the runs so far), ``status.json`` and the lock that its process holds while it lives,
as a trainer holds its run's. That process, ``python -m idc.launch.folds ID``, starts one trainer
after the other, and outlives the app. Stopped or killed, the job goes on where it was: finished
folds stay.
"""

import argparse
import contextlib
import json
import secrets
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, replace
from pathlib import Path
from types import FrameType
from typing import Any

from idc.datasets.store import open_store
from idc.errors import IdcError, RunError, write_errors_as_run_error
from idc.files import atomic
from idc.files.home import home_dir
from idc.launch.start import prepare_to_resume, start_runs, trainer_command
from idc.processes.console import ProgressLine, print_error
from idc.processes.detached import module_command, start_detached
from idc.processes.environment import child_environment
from idc.runs import control
from idc.runs.lock import RUN_ID, hold_lock, is_locked
from idc.runs.run import Run, check_same_data, open_run
from idc.runs.status import TRAINER_OUTPUT_FILE
from idc.settings.training_config import split_for_config

JOB_FILE, RUNS_FILE, STATUS_FILE = "job.json", "runs.json", "status.json"
_START_GRACE_S = 20.0
_POLL_INTERVAL_S = 0.2


@dataclass(frozen=True)
class FoldJob:
    """A job's folder.

    Attributes:
        base_run: the run whose settings, and left-out patches, every fold repeats.
    """

    folder: Path
    base_run: str
    data: str
    folds: int

    @property
    def id(self) -> str:
        """The folder's name."""
        return self.folder.name

    def runs(self) -> list[Run]:
        """The folds' runs so far, the first fold first; one that was deleted is left out."""
        found = []
        for run_id in _read(self.folder / RUNS_FILE, []):
            with contextlib.suppress(RunError):
                found.append(open_run(run_id))
        return sorted(found, key=lambda run: run.config.fold)

    def finished(self) -> list[Run]:
        """The runs whose fold is scored."""
        return [run for run in self.runs() if run.status().state == "finished"]

    def state(self) -> tuple[str, str]:
        """(state, why): "starting", "running", "finished", "stopped", "failed", "interrupted"."""
        if len(self.finished()) == self.folds:
            return "finished", f"All {self.folds} folds are done."
        status = _read(self.folder / STATUS_FILE, {})
        state, reason = status.get("state", "interrupted"), status.get("reason", "")
        if state not in ("starting", "running"):
            return state, reason
        young = state == "starting" and time.time() - status["updated"] < _START_GRACE_S
        if young or is_locked(self.folder):
            return state, ""
        return "interrupted", "The process of the folds ended unexpectedly; continue it."

    @property
    def live(self) -> bool:
        """Whether its process works, or is just being started."""
        return self.state()[0] in ("starting", "running")

    def request_stop(self) -> None:
        """Ask for a stop. Finished folds and finished epochs are kept.

        Raises:
            RunError: the request cannot be written.
        """
        with write_errors_as_run_error("The folds"):
            control.send_request(self.folder, control.STOP)

    def stop_requested(self) -> bool:
        """Whether somebody asked for a stop since the process started."""
        return control.read_request(self.folder)[0] == control.STOP

    def clear_stop_request(self) -> None:
        """Before it goes on: an old request must not stop it."""
        control.clear_request(self.folder)


def create_folds(base: Run, folds: int) -> FoldJob:
    """Make a job's folder, after a look whether every fold can be trained and scored.

    Raises:
        IdcError: too many folds for the cases, a fold lacks a class, or the folder cannot be
            written.
    """
    if base.bundled:
        raise RunError("The bundled model's training is not repeated here; choose a run of yours.")
    store = open_store(base.config.data)
    check_same_data(base, store)
    for fold in range(1, folds + 1):
        split_for_config(_fold_config(base, folds, fold), store.index, base.left_out())
    folder = _folds_dir() / f"{time.strftime('%Y%m%d-%H%M%S')}-{secrets.token_hex(2)}"
    hidden = folder.with_name(f".{folder.name}")
    with write_errors_as_run_error("The folds"):
        hidden.mkdir(parents=True)
        atomic.replace_json(
            hidden / JOB_FILE, {"base_run": base.id, "data": base.config.data, "folds": folds}
        )
        _write_status(hidden, "starting")
        hidden.rename(folder)
    return open_folds(folder.name)


def open_folds(job_id: str) -> FoldJob:
    """Open a job by its id.

    Raises:
        RunError: there is none of that id, or it is damaged.
    """
    folder = _folds_dir() / job_id
    about = _read(folder / JOB_FILE, {}) if RUN_ID.fullmatch(job_id) else {}
    try:
        return FoldJob(folder, about["base_run"], about["data"], int(about["folds"]))
    except (KeyError, TypeError, ValueError) as error:
        raise RunError(f"There are no folds '{job_id[:100]}', or they are damaged.") from error


def list_folds() -> list[FoldJob]:
    """All readable jobs, the newest first."""
    found = []
    for path in _folds_dir().glob(f"*/{JOB_FILE}"):
        if not path.parent.name.startswith("."):
            with contextlib.suppress(RunError):
                found.append(open_folds(path.parent.name))
    return sorted(found, key=lambda job: job.id, reverse=True)


def start_folds(job: FoldJob) -> None:
    """Start, or continue, the job as a process of its own; it outlives the app.

    Raises:
        RunError: its process is at work already, or cannot be started.
    """
    if is_locked(job.folder):
        raise RunError("These folds are being trained already.")
    with write_errors_as_run_error("The folds"):
        job.clear_stop_request()
        _write_status(job.folder, "starting")
        start_detached(
            module_command("idc.launch.folds", job.id),
            output=job.folder / TRAINER_OUTPUT_FILE,
        )


def train_folds(job: FoldJob, progress: ProgressLine | None = None) -> str:
    """Train what is left of a job, one fold after the other, in trainers of their own.

    Returns:
        the state at the end: "finished", or "stopped" when somebody asked for it.

    Raises:
        RunError: somebody else works on the job, or a fold could not be trained.
    """
    with hold_lock(job.folder):
        try:
            with write_errors_as_run_error("The folds"):
                return _train_each(job, progress)
        except IdcError as error:
            with contextlib.suppress(OSError):  # a disk as full as that: it will show as dead
                _write_status(job.folder, "failed", str(error))
            raise


def _train_each(job: FoldJob, progress: ProgressLine | None) -> str:
    _write_status(job.folder, "running")
    for fold in range(1, job.folds + 1):
        if not _train_fold(job, fold, progress):
            done = f"{len(job.finished())} of {job.folds} folds done"
            return _write_status(job.folder, "stopped", f"Stopped on request with {done}.")
    return _write_status(job.folder, "finished", f"All {job.folds} folds are done.")


def main(arguments: list[str] | None = None) -> int:
    """Train the folds of a job to their end. Returns 0, or 2 after an error."""
    parser = argparse.ArgumentParser(
        prog="idc.launch.folds", description="Train the folds of a job."
    )
    parser.add_argument("job")
    try:
        job = open_folds(parser.parse_args(arguments).job)
        stop_on_signals(job)
        train_folds(job)
    except IdcError as error:
        return print_error(error)
    return 0


def stop_on_signals(job: FoldJob) -> None:
    """Let a first SIGTERM or Ctrl+C ask for a stop that keeps what is finished."""

    def send_request(number: int, frame: FrameType | None) -> None:
        job.request_stop()
        signal.signal(number, signal.SIG_DFL)

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, send_request)


def _train_fold(job: FoldJob, fold: int, progress: ProgressLine | None) -> bool:
    """Bring one fold to its end. False when it was stopped on request."""
    run = next((run for run in job.runs() if run.config.fold == fold), None)
    if run is not None and run.status().state == "finished":
        return True
    if job.stop_requested():
        return False
    if run is None:
        base = open_run(job.base_run)
        [run] = start_runs(
            _fold_config(base, job.folds, fold),
            left_out_from=base,
            start=lambda new: _train_new(job, new, progress),
        )
    else:
        prepare_to_resume(run)
        _train(job, run, progress)
    status = run.status()
    if status.state not in ("finished", "stopped"):
        raise RunError(f"Fold {fold} of {job.folds} was not trained to its end: {status.reason}")
    return status.state == "finished"


def _train_new(job: FoldJob, run: Run, progress: ProgressLine | None) -> None:
    runs = [*_read(job.folder / RUNS_FILE, []), run.id]
    atomic.replace_json(job.folder / RUNS_FILE, runs)
    _train(job, run, progress)


def _train(job: FoldJob, run: Run, progress: ProgressLine | None) -> None:
    """Run a fold's trainer until it ends, and pass on a request to stop."""
    trainer = start_detached(
        trainer_command(run),
        environment=child_environment(runs_network=True),
        output=run.folder / TRAINER_OUTPUT_FILE,
    )
    while trainer.poll() is None:
        if job.stop_requested() and not run.stop_requested():
            run.request_stop()
        if progress:
            _show_progress(progress, job, run)
        with contextlib.suppress(subprocess.TimeoutExpired):
            trainer.wait(_POLL_INTERVAL_S)


def _fold_config(base: Run, folds: int, fold: int) -> Any:
    name = f"{base.title[:60]}, fold {fold} of {folds}"
    return replace(base.config, protocol="case-disjoint", folds=folds, fold=fold, name=name)


def _show_progress(progress: ProgressLine, job: FoldJob, run: Run) -> None:
    status = run.status()
    within = (status.epoch + status.step / max(status.steps, 1)) / max(status.epochs, 1)
    progress.show(
        (run.config.fold - 1 + min(within, 1.0)) / job.folds,
        f"fold {run.config.fold} of {job.folds}, {status.phase or status.state}",
    )


def _write_status(folder: Path, state: str, reason: str = "") -> str:
    atomic.replace_json(
        folder / STATUS_FILE, {"state": state, "reason": reason, "updated": time.time()}
    )
    return state


def _folds_dir() -> Path:
    return home_dir() / "folds"


def _read(path: Path, absent: Any) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return absent
    except (OSError, ValueError) as error:
        raise RunError(f"'{path.name}' of the folds '{path.parent.name}' is damaged.") from error


if __name__ == "__main__":
    sys.exit(main())
