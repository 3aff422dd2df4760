"""Trainings of tenths of a second: 30 parameters, two steps per epoch, eager execution."""

import hashlib
import json

import keras
import numpy as np

from idc.networks import weights
from idc.runs.checkpoint_files import list_checkpoints, read_checkpoint
from idc.settings.training_config import preset_config
from idc.training import setup

compile_for_real = setup.compile_model


def be_tiny(set_attribute):
    """Replace the real networks by the tiny one, with ``setattr`` or ``monkeypatch.setattr``."""
    set_attribute(setup, "compile_model", compiled_eagerly)
    set_attribute(setup, "build_model", tiny_network)
    set_attribute(weights, "build_model", tiny_network)


def tiny_config(**settings):
    """Two epochs of two steps on the store "tiny" of 36 patches."""
    return preset_config(
        "fast",
        "tiny",
        **{"protocol": "random", "batch_size": 16, "epochs": 2, "early_stopping": True, **settings},
    )


def tiny_network(preset, side_px=50):
    """A network of 30 parameters with all kinds of state: batch statistics, random seeds."""
    layers = keras.layers
    inputs = keras.Input((side_px, side_px, 3), dtype="uint8")
    x = layers.Rescaling(1 / 255)(inputs)
    x = layers.GlobalAveragePooling2D()(x)
    x = layers.BatchNormalization()(x)
    x = layers.Dropout(0.2)(x)
    return keras.Model(inputs, layers.Dense(2, activation="softmax")(x), name=preset)


def compiled_eagerly(model, config, steps, **how):
    """Compile for eager execution: tracing a graph takes longer than all steps."""
    compile_for_real(model, config, steps, **how)
    model.run_eagerly = True


def digest(run):
    """SHA-256 of the weights, optimizer state, running means and the history without its times."""
    description, arrays = read_checkpoint(list_checkpoints(run.folder)[0])
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
