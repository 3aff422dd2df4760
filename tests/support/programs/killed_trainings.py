"""The process of `test_exact_resume`: trains a tiny run repeatedly, interrupting each one later.

It imports Keras once and forks for each training, before TensorFlow has computed anything: each
child is a real process that is killed, at a cost of tenths of a second.

python -m tests.support.programs.killed_trainings FAULT:EVERY [FAULT:EVERY ...]
    FAULT: "kill", "ENOSPC", "EIO", as `tests.support.disk_faults` injects them; "EIO+": all later
        operations fail too
    EVERY: the step from one failing operation to the next; 1 for all of them
Prints one JSON line per training: the operation's number, the exit code, the status, the number of
lost steps, and the digest of the outputs after it was continued.
"""

import json
import os
import sys
import traceback
from dataclasses import replace

from idc.files.atomic import file_sha256
from idc.launch.start import create_run, prepare_to_resume
from idc.networks.weights import previous_weights_path
from idc.runs.checksums import checksums_problem
from idc.runs.run import open_run
from idc.runs.status import read_status, write_status
from idc.training.observers import checkpointing
from idc.training.trainer import main
from tests.support.disk_faults import install_fault
from tests.support.tiny_training import be_tiny, digest, tiny_config


def forked(work):
    """The exit code of a function in a forked child, negative for a signal."""
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
    if fault:
        install_fault(fault)
    return main([run_id])


def continued(run_id):
    """Continue a run as the page does, some time later."""
    run = open_run(run_id)
    if read_status(run.folder).state == "starting":
        write_status(run.folder, replace(run.status(), updated=0.0))
    if run.status().state != "finished":
        prepare_to_resume(run)
    return main([run_id])


def lost_steps(logged, start):
    """How many of the logged steps were computed again."""
    return sum(
        (step["epoch"], step["step"]) > (start["epoch"] + 1, start["step"]) for step in logged
    )


def readable(run):
    """Whether the run's log, predictions and model can be read, and none counts as damaged."""
    if run.log().problems or run.damage() or checksums_problem(run.folder):
        return False
    run.environment()
    if not run.has_model():
        return True
    path = run.folder / "best.weights.h5"
    kept = [path, *([previous_weights_path(path)] if previous_weights_path(path).exists() else [])]
    return run.best()["sha256"] in map(file_sha256, kept)


def sweep(fault, every):
    """Interrupt one training after the other, each later, until one ends undisturbed."""
    number = 1
    while True:
        run = create_run(tiny_config())
        later = "+" if fault.endswith("+") else ""
        fault_at = f"{fault.rstrip('+')} {number}{later}"
        ended = forked(lambda: train(run.id, fault_at))  # noqa: B023  (called at once)
        if ended == 0:
            print(json.dumps({"fault": fault, "clean": number}), flush=True)
            return
        status = open_run(run.id).status()
        line = {"fault": fault, "number": number, "ended": ended}
        line |= {"state": status.state, "reason": status.reason, "readable": readable(run)}
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
