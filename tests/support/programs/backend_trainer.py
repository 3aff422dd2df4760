"""Trains runs one after the other in this process, on the backend in KERAS_BACKEND.

The network is tiny. It has no dropout by default, because dropout masks differ between backends.

python tests/support/programs/backend_trainer.py [--dropout] [--each-step] [--as-on-gpu] RUN_ID...
    [--kill-at-step N] [--hosts ... --host-index N]

    --each-step: a checkpoint after each step, so that a killed run resumes within an epoch
    --as-on-gpu: patches on the device, and several steps per call
    --kill-at-step: the process is killed at the end of its N-th step, before a checkpoint of it
"""

import itertools
import os
import signal
import sys

from idc.training import setup
from idc.training.input_pipeline import InputPipeline
from idc.training.observers import checkpointing
from idc.training.trainer import exit_process, main
from tests.support import tiny_training


def without_dropout(preset, side_px=50):
    import keras

    layers = keras.layers
    inputs = keras.Input((50, 50, 3), dtype="uint8")
    x = layers.Rescaling(1 / 255)(inputs)
    # No bias before batch normalisation: its gradient is rounding noise, which Adam amplifies.
    x = layers.Conv2D(4, 5, strides=5, use_bias=False)(x)
    x = layers.GlobalAveragePooling2D()(layers.BatchNormalization()(x))
    return keras.Model(inputs, layers.Dense(2, activation="softmax")(x), name=preset)


def kill_at_step(number):
    steps = itertools.count(1)
    save = checkpointing.CheckpointObserver.on_step_end

    def killing(observer, state):
        if next(steps) == number:
            os.kill(os.getpid(), signal.SIGKILL)
        save(observer, state)

    checkpointing.CheckpointObserver.on_step_end = killing


if __name__ == "__main__":
    words = sys.argv[1:]
    hosts = words[words.index("--hosts") :] if "--hosts" in words else []
    words = words[: len(words) - len(hosts)]
    if "--kill-at-step" in words:
        at = words.index("--kill-at-step")
        kill_at_step(int(words[at + 1]))
        del words[at : at + 2]
    if "--dropout" not in words:
        tiny_training.tiny_network = without_dropout
    tiny_training.be_tiny(setattr)
    setup.compile_model = tiny_training.compile_for_real  # tracing is faster than eager JAX
    if "--each-step" in words:
        checkpointing._CHECKPOINT_INTERVAL_S = 0
    if "--as-on-gpu" in words:
        setup.choose_input_pipeline = lambda patches: InputPipeline(
            patches_on_device=True, steps_per_execution=2
        )
    runs = [word for word in words if not word.startswith("--")]
    codes = [main([run_id, *hosts]) for run_id in runs] or [main(hosts)]
    exit_process(max(codes))
