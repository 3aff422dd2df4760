"""A process for `test_exact_resume`: trains a tiny run again and again, each time cut off later.

It imports Keras once and forks for each training, before TensorFlow has computed anything, so that
a child is a real process that is really killed, at a price of tenths of a second.

python tests/killed_trainings.py FAULT EVERY [+]
    FAULT: "kill", "ENOSPC", "EIO", as `idc.durable` knows them
    EVERY: look at every so many-th operation alone; 1 for all of them
    +: all later operations fail too
Prints one JSON line for each: the operation's number, how the first training ended, what its
status said then, what was lost, and the digest of what it became after it was continued.
"""

import hashlib
import json
import os
import sys
import traceback
from dataclasses import replace

import keras
import numpy as np

from idc import training, weights
from idc.checkpoint_files import newest_first, read_checkpoint
from idc.config import preset_config
from idc.durable import file_sha256
from idc.run_status import read_status, write_status
from idc.runs import open_run
from idc.starting import create_run, prepare_to_continue
from idc.trainer import main
from idc.weights import predecessor

EPOCHS = 2


def tiny_network(preset):
    """In place of the real ones: everything a state can hold, in 30 numbers."""
    layers = keras.layers
    inputs = keras.Input((50, 50, 3), dtype="uint8")
    x = layers.Rescaling(1 / 255)(inputs)
    x = layers.GlobalAveragePooling2D()(x)
    x = layers.BatchNormalization()(x)
    x = layers.Dropout(0.2)(x)
    return keras.Model(inputs, layers.Dense(2, activation="softmax")(x), name=preset)


def compiled_eagerly(model, config, steps):
    """Tracing a graph would take longer than all the steps of these trainings."""
    compile_for_real(model, config, steps)
    model.run_eagerly = True


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
        prepare_to_continue(run)
    return main([run_id])


def digest(run):
    """Of weights, optimizer, running means and the whole history but its times."""
    description, arrays = read_checkpoint(newest_first(run.folder)[0])
    history = description["history"]
    for entry in history["epochs"]:
        for times in ("seconds", "elapsed_s"):
            entry.pop(times, None)
    del history["elapsed_s"]
    state = hashlib.sha256(json.dumps(history, sort_keys=True).encode())
    for name in sorted(arrays):
        state.update(np.ascontiguousarray(arrays[name]).tobytes())
    best = run.best()
    assert (
        hashlib.sha256((run.folder / "best.weights.h5").read_bytes()).hexdigest()
        == (best["sha256"])
    )
    state.update(json.dumps({**best, "sha256": ""}, sort_keys=True).encode())
    state.update((run.folder / "predictions.parquet").read_bytes())
    return state.hexdigest()


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
    path, _, sha256 = model_files(run)
    return sha256 in (
        file_sha256(path),
        predecessor(path).exists() and file_sha256(predecessor(path)),
    )


def model_files(run):
    return run.folder / "best.weights.h5", run.config.preset, run.best()["sha256"]


if __name__ == "__main__":
    compile_for_real = training.compile_model
    training.compile_model = compiled_eagerly
    training.build_model = weights.build_model = tiny_network
    training._CHECKPOINT_EVERY_S = 0  # after each step, so that each step can be gone on from
    fault, every, later = sys.argv[1], int(sys.argv[2]), "".join(sys.argv[3:])
    config = preset_config(
        "fast", "tiny", protocol="random", batch_size=16, epochs=EPOCHS, early_stopping=True
    )
    undisturbed = create_run(config)
    assert forked(lambda: train(undisturbed.id)) == 0
    print(json.dumps({"digest": digest(undisturbed)}), flush=True)
    number = 1
    while True:
        run = create_run(config)
        ended = forked(lambda run=run, number=number: train(run.id, f"{fault} {number}{later}"))
        if ended == 0:
            print(json.dumps({"clean": number}), flush=True)
            break
        told = open_run(run.id).status()
        line = {"number": number, "ended": ended, "state": told.state, "reason": told.reason}
        line["readable"] = readable(run)
        before = run.log().steps
        assert forked(lambda run=run: continued(run.id)) == 0
        line["lost_steps"] = lost_steps(before, run.log().starts[-1])
        line |= {"digest": digest(run), "at_last": open_run(run.id).status().state}
        print(json.dumps(line), flush=True)
        number += every
