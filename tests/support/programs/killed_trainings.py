"""A process for `test_exact_resume`: trains a tiny run again and again, each time cut off later.

It imports Keras once and forks for each training, before TensorFlow has computed anything, so that
a child is a real process that is really killed, at a price of tenths of a second.

python -m tests.support.programs.killed_trainings FAULT:EVERY [FAULT:EVERY ...]
    FAULT: "kill", "ENOSPC", "EIO", as `idc.files.atomic` knows them; "EIO+": all later ones fail
    too
    EVERY: look at every so many-th operation alone; 1 for all of them
Prints one JSON line for each training: the operation's number, how it ended, what its status said
then, how many steps were lost, and the digest of what it became after it was continued.
"""

import json
import os
import sys
import traceback
from dataclasses import replace

from idc.files.atomic import file_sha256
from idc.launch.start import create_run, prepare_to_resume
from idc.networks.weights import previous_weights_path
from idc.runs.run import open_run
from idc.runs.status import read_status, write_status
from idc.training.observers import checkpointing
from idc.training.trainer import main
from tests.support.tiny_training import be_tiny, digest, tiny_config


def forked(work):
    """Do it in a child; returns its exit code, negative for a signal."""
    pid = os.fork()
    if pid == 0:
        try:
            code = work()
        except BaseException:  # noqa: BLE001  (a child must not go on as its parent)
            traceback.print_exc()
            code = 70
        os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def train(run_id, fault=""):
    os.environ["IDC_FAULT"] = fault
    return main([run_id])


def continued(run_id):
    """As the page does it, some time later."""
    os.environ["IDC_FAULT"] = ""
    run = open_run(run_id)
    if read_status(run.folder).state == "starting":
        write_status(run.folder, replace(run.status(), updated=0.0))
    if run.status().state != "finished":
        prepare_to_resume(run)
    return main([run_id])


def lost_steps(logged, start):
    """How many of the steps logged before were computed again."""
    return sum(
        (step["epoch"], step["step"]) > (start["epoch"] + 1, start["step"]) for step in logged
    )


def readable(run):
    """Whether a page could show what there is of the run: its log, predictions and model."""
    run.log()
    if run.has_predictions():
        run.predictions()
    if not run.has_model():
        return True
    path = run.folder / "best.weights.h5"
    kept = [path, *([previous_weights_path(path)] if previous_weights_path(path).exists() else [])]
    return run.best()["sha256"] in map(file_sha256, kept)


def sweep(fault, every):
    """Cut off one training after the other, each a little later, until one is not reached."""
    number = 1
    while True:
        run = create_run(tiny_config())
        later = "+" if fault.endswith("+") else ""
        wanted = f"{fault.rstrip('+')} {number}{later}"
        ended = forked(lambda: train(run.id, wanted))  # noqa: B023  (called at once)
        if ended == 0:
            print(json.dumps({"fault": fault, "clean": number}), flush=True)
            return
        told = open_run(run.id).status()
        line = {"fault": fault, "number": number, "ended": ended}
        line |= {"state": told.state, "reason": told.reason, "readable": readable(run)}
        before = run.log().steps
        assert forked(lambda: continued(run.id)) == 0  # noqa: B023
        line["leftovers"] = sum(".new" in path.name for path in run.folder.rglob("*"))
        line["lost_steps"] = lost_steps(before, run.log().starts[-1])
        line |= {"digest": digest(run), "at_last": open_run(run.id).status().state}
        print(json.dumps(line), flush=True)
        number += every


if __name__ == "__main__":
    be_tiny(setattr)
    checkpointing._CHECKPOINT_INTERVAL_S = 0  # a checkpoint after each step
    undisturbed = create_run(tiny_config())
    assert forked(lambda: train(undisturbed.id)) == 0
    print(json.dumps({"digest": digest(undisturbed)}), flush=True)
    for argument in sys.argv[1:]:
        name, step = argument.split(":")
        sweep(name, int(step))
