"""A run's beginnings: create its folder, start its trainer, continue it when it has ended.

The trainer (`idc.trainer`) is a process of its own in its own session, so that it outlives whoever
started it.
"""

import os
import secrets
import shutil
import subprocess
import sys
import threading
import time
from pathlib import Path

from idc import durable, left_out
from idc.config import TrainingConfig
from idc.errors import RunError
from idc.home import runs_dir
from idc.kaggle_login import without_kaggle_secrets
from idc.memory import KEEP_FREED_MEMORY
from idc.run_status import RunStatus
from idc.runs import CONFIG_FILE, CONTROL_FILE, TRAINER_OUTPUT_FILE, Run


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
