"""Cross-validation jobs: train the settings of a run once per fold.

The cases are divided into k folds. Each of k ordinary runs holds one fold out and scores it.
Together the runs predict every patch of the data set with a model that saw no patch of its case.

A job is a folder ``folds/<id>/`` beside ``runs/``. It holds ``job.json`` (base run, data set,
number of folds), ``runs.json`` (ids of the runs so far), ``status.json`` and a lock, which the
job's process holds while it is alive. That process, ``python -m idc.launch.folds ID``, starts one
trainer after the other and outlives the app. A stopped or killed job can be continued; finished
folds are kept.
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
    """A cross-validation job and its folder.

    Attributes:
        base_run: id of the run whose settings and left-out patches every fold repeats.
    """

    folder: Path
    base_run: str
    data: str
    folds: int

    @property
    def id(self) -> str:
        """Name of the folder."""
        return self.folder.name

    def runs(self) -> list[Run]:
        """Return the existing runs of the job, sorted by fold; deleted runs are omitted."""
        found = []
        for run_id in _read(self.folder / RUNS_FILE, []):
            with contextlib.suppress(RunError):
                found.append(open_run(run_id))
        return sorted(found, key=lambda run: run.config.fold)

    def finished(self) -> list[Run]:
        """Return the runs that have scored their fold."""
        return [run for run in self.runs() if run.status().state == "finished"]

    def state(self) -> tuple[str, str]:
        """Return (state, reason).

        The state is "starting", "running", "finished", "stopped", "failed" or "interrupted".
        """
        if len(self.finished()) == self.folds:
            return "finished", f"All {self.folds} folds are done."
        status = _read(self.folder / STATUS_FILE, {})
        state, reason = status.get("state", "interrupted"), status.get("reason", "")
        if state not in ("starting", "running"):
            return state, reason
        in_grace = state == "starting" and time.time() - status["updated"] < _START_GRACE_S
        if in_grace or is_locked(self.folder):
            return state, ""
        return "interrupted", "The process of the folds ended unexpectedly; continue it."

    @property
    def live(self) -> bool:
        """Whether the process of the job is running or starting."""
        return self.state()[0] in ("starting", "running")

    def request_stop(self) -> None:
        """Request a stop. Finished folds and finished epochs are kept.

        Raises:
            RunError: the request cannot be written.
        """
        with write_errors_as_run_error("The folds"):
            control.send_request(self.folder, control.STOP)

    def stop_requested(self) -> bool:
        """Whether a stop was requested since the process started."""
        return control.read_request(self.folder)[0] == control.STOP

    def clear_stop_request(self) -> None:
        """Delete an old request, so that it does not stop a continued job."""
        control.clear_request(self.folder)


def create_folds(base: Run, folds: int) -> FoldJob:
    """Check that every fold can be trained and scored, then create the folder of the job.

    Raises:
        IdcError: there are more folds than cases, a fold lacks a class, or the folder cannot be
            written.
    """
    if base.bundled:
        raise RunError("The bundled model's training is not repeated here; choose a run of yours.")
    store = open_store(base.config.data)
    check_same_data(base, store)
    for fold in range(1, folds + 1):
        split_for_config(_fold_config(base, folds, fold), store, base.left_out())
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
        RunError: the job does not exist or is damaged.
    """
    folder = _folds_dir() / job_id
    fields = _read(folder / JOB_FILE, {}) if RUN_ID.fullmatch(job_id) else {}
    try:
        return FoldJob(folder, fields["base_run"], fields["data"], int(fields["folds"]))
    except (KeyError, TypeError, ValueError) as error:
        raise RunError(f"There are no folds '{job_id[:100]}', or they are damaged.") from error


def list_folds() -> list[FoldJob]:
    """Return all readable jobs, newest first."""
    found = []
    for path in _folds_dir().glob(f"*/{JOB_FILE}"):
        if not path.parent.name.startswith("."):
            with contextlib.suppress(RunError):
                found.append(open_folds(path.parent.name))
    return sorted(found, key=lambda job: job.id, reverse=True)


def start_folds(job: FoldJob) -> None:
    """Start or continue the job in a detached process, which outlives the app.

    Raises:
        RunError: the process of the job is already running or cannot be started.
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
    """Train the unfinished folds of a job in sequence, each in its own trainer process.

    Returns:
        the final state: "finished", or "stopped" after a stop request.

    Raises:
        RunError: another process holds the job's lock, or a fold could not be trained.
    """
    with hold_lock(job.folder):
        try:
            with write_errors_as_run_error("The folds"):
                return _train_each(job, progress)
        except IdcError as error:
            with contextlib.suppress(OSError):  # full disk: the job shows as interrupted
                _write_status(job.folder, "failed", str(error))
            raise


def _train_each(job: FoldJob, progress: ProgressLine | None) -> str:
    _write_status(job.folder, "running")
    for fold in range(1, job.folds + 1):
        if not _train_fold(job, fold, progress):
            summary = f"{len(job.finished())} of {job.folds} folds done"
            return _write_status(job.folder, "stopped", f"Stopped on request with {summary}.")
    return _write_status(job.folder, "finished", f"All {job.folds} folds are done.")


def main(arguments: list[str] | None = None) -> int:
    """Train all folds of a job. Returns 0, or 2 after an error."""
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
    """Make the first SIGTERM or Ctrl+C request a stop that keeps finished work."""

    def send_request(number: int, frame: FrameType | None) -> None:
        job.request_stop()
        signal.signal(number, signal.SIG_DFL)

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, send_request)


def _train_fold(job: FoldJob, fold: int, progress: ProgressLine | None) -> bool:
    """Train one fold until it is scored. Returns False if it was stopped on request."""
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
    """Run the trainer of a fold until it ends; forward a stop request to it."""
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
    run_share = (status.epoch + status.step / max(status.steps, 1)) / max(status.epochs, 1)
    progress.show(
        (run.config.fold - 1 + min(run_share, 1.0)) / job.folds,
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
