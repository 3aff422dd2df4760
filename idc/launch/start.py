"""Creates runs, starts their trainers, and resumes paused or ended runs.

The trainer (`idc.training.trainer`) is a process in its own session, so that it outlives its
parent. It can be started at any time: while another run trains on the device, it waits in the queue
(see `idc.runs.device_queue`).
"""

import contextlib
import secrets
import shutil
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from idc.datasets.label_marks import rows_marked_wrong
from idc.datasets.store import open_store
from idc.errors import RunError, write_errors_as_run_error
from idc.files import atomic
from idc.files.home import runs_dir
from idc.launch import standby
from idc.processes.detached import module_command, start_detached
from idc.processes.environment import child_environment
from idc.runs import control, left_out_patches
from idc.runs.checksums import write_checked_json
from idc.runs.device_choice import is_cpu_only
from idc.runs.lock import is_locked
from idc.runs.run import CONFIG_FILE, Run
from idc.runs.status import TRAINER_OUTPUT_FILE, RunStatus, read_status
from idc.settings.training_config import TrainingConfig, split_for_config
from idc.settings.variants import seed_variants, split_variants


def start_runs(
    config: TrainingConfig,
    seeds: int = 1,
    *,
    both_splits: bool = False,
    left_out_from: Run | None = None,
    populate: Callable[[Path], None] | None = None,
    start: Callable[[Run], None] | None = None,
) -> list[Run]:
    """Create and start runs of these settings; the only way to start a new run.

    One run trains at a time on each device; the others wait in the queue, in this order.

    Args:
        seeds: number of runs, with consecutive seeds from the one in the settings on.
        both_splits: start two runs for each seed: split at random by patch, and split by case.
        left_out_from, populate: as for `create_run`.
        start: starts the trainer of a created run; by default `start_trainer`.

    Raises:
        SplitError: the data cannot be split as one of the runs requires; no run is created.
        IdcError: a run cannot be created or started; the runs before it are already started.
    """
    configs = seed_variants(config, seeds)
    if both_splits:
        configs = [variant for each in configs for variant in split_variants(each)]
    _check_splits(configs, left_out_from)
    runs = []
    for each in configs:
        run = create_run(each, left_out_from=left_out_from, populate=populate)
        (start or start_trainer)(run)
        runs.append(run)
    return runs


def _check_splits(configs: Sequence[TrainingConfig], left_out_from: Run | None) -> None:
    store = open_store(configs[0].data)
    if left_out_from is not None:
        left_out = left_out_from.left_out()
    elif configs[0].leave_out_marked:
        left_out = rows_marked_wrong(store.name, store.index)
    else:
        left_out = None
    for config in configs:
        split_for_config(config, store, left_out)


def create_run(
    config: TrainingConfig,
    *,
    left_out_from: Run | None = None,
    populate: Callable[[Path], None] | None = None,
) -> Run:
    """Create a run's folder atomically, with the state "starting".

    Args:
        left_out_from: leave out the same patches as this run, even if label marks have changed.
        populate: writes further files into the folder before it becomes visible.

    Raises:
        RunError: the folder cannot be written.
        IdcError: marked patches are left out, but the data set or the marks cannot be read.
    """
    if left_out_from is not None:
        record = left_out_patches.read_record(left_out_from.folder)
    else:
        record = left_out_patches.snapshot_left_out(config)
    stamp = time.strftime("%Y%m%d-%H%M%S")
    run_id = f"{stamp}-{config.preset}-{secrets.token_hex(2)}"
    hidden = runs_dir() / f".{run_id}"
    try:
        with write_errors_as_run_error(f"The run in '{runs_dir()}'"):
            hidden.mkdir(parents=True)
            write_checked_json(hidden / CONFIG_FILE, config.to_json())
            if config.leave_out_marked:
                atomic.replace_json(hidden / left_out_patches.LEFT_OUT_FILE, record)
            if populate is not None:
                populate(hidden)
            Run(hidden, config).write_status(RunStatus(state="starting", epochs=config.epochs))
            hidden.rename(runs_dir() / run_id)
    finally:
        shutil.rmtree(hidden, ignore_errors=True)  # already renamed on success
    return Run(runs_dir() / run_id, config)


def start_trainer(run: Run) -> None:
    """Start the trainer in a detached process, which outlives the app.

    The standby trainer takes the run, unless the run is limited to the CPU: a backend that is
    already loaded may have claimed the GPU.

    Raises:
        RunError: the process cannot be started; the status of the run states the reason too.
    """
    if not is_cpu_only(run.folder) and standby.assign_run(run.id):
        return
    try:
        start_detached(
            trainer_command(run),
            environment=child_environment(runs_network=True),
            output=run.folder / TRAINER_OUTPUT_FILE,
        )
    except OSError as error:
        reason = (
            f"The trainer could not be started ({error.strerror}); make room or check the rights "
            "of the run's folder, then continue it."
        )
        with contextlib.suppress(OSError):  # full disk: the run shows as interrupted
            run.write_status(replace(read_status(run.folder), state="failed", reason=reason))
        raise RunError(reason) from error


def trainer_command(run: Run) -> list[str]:
    """Build the command line of the trainer process."""
    return module_command("idc.training.trainer", run.id)


def prepare_to_resume(run: Run, more_epochs: int | None = None) -> RunStatus:
    """Set a paused or ended run to "starting".

    Args:
        more_epochs: number of epochs beyond the finished ones. By default an interrupted, paused or
            stopped run continues to its original number of epochs, and a finished run trains
            ``config.epochs`` more.

    Raises:
        RunError: the run is being trained, came with IDC Lab or cannot be written, or
            ``more_epochs`` is below 1.
    """
    if run.shipped():
        raise RunError(
            f"The run '{run.title}' came with IDC Lab, without its checkpoints; start a new run "
            "with its settings."
        )
    status = run.status()
    if status.live or (status.state == "paused" and is_locked(run.folder)):
        raise RunError(f"The run '{run.title}' is being trained already.")
    if more_epochs is not None and more_epochs < 1:
        raise RunError(f"more_epochs must be at least 1. Received: {more_epochs}")
    if more_epochs is None and status.state != "finished":
        epochs = status.epochs
    else:
        epochs = status.epoch + (more_epochs or run.config.epochs)
    # Restart the patience of early stopping, or a finished run would stop again at once.
    patience_from = status.epoch if status.state == "finished" else status.patience_from
    started = RunStatus(
        state="starting", epochs=epochs, epoch=status.epoch, patience_from=patience_from
    )
    with write_errors_as_run_error(f"The run '{run.title}'"):
        control.clear_request(run.folder)
        run.write_status(started)
    return started


def send_request(run: Run, request: str) -> None:
    """Request a pause, a resume, one epoch or a stop; start a trainer if a paused run has none.

    A paused trainer keeps the network loaded for a while, then exits. It reads the request file
    once more after it has released the lock, and this function checks the lock after it has written
    the request, so no request is lost. A redundant trainer finds the lock taken and exits.

    Raises:
        RunError: the request cannot be written, or no trainer can be started.
    """
    with write_errors_as_run_error(f"The run '{run.title}'"):
        control.send_request(run.folder, request)
        if is_locked(run.folder) or read_status(run.folder).state != "paused":
            return
        paused = read_status(run.folder)
        run.write_status(replace(paused, state="starting", phase="", updated=time.time()))
    start_trainer(run)
