"""Trains runs one after the other in this process, on the backend that KERAS_BACKEND names.

The network is tiny, without dropout, whose masks no two backends draw alike, unless asked for.

python tests/support/programs/backend_trainer.py [--dropout] [--each-step] [--as-on-gpu] RUN_ID...
    [--hosts ... --host-index N]

    --each-step: a checkpoint after each step, so that a kill can be gone on from within an epoch
    --as-on-gpu: the patches lie on the device, and it takes several steps a call
"""

import math
import sys

from idc.training import setup
from idc.training.input_pipeline import InputPipeline
from idc.training.observers import checkpointing, slide_recorder, status
from idc.training.trainer import exit_process, main
from tests.support import tiny_training


def without_dropout(preset):
    import keras

    layers = keras.layers
    inputs = keras.Input((50, 50, 3), dtype="uint8")
    x = layers.Rescaling(1 / 255)(inputs)
    # No bias before a batch normalisation: its gradient is rounding alone; Adam makes steps of it.
    x = layers.Conv2D(4, 5, strides=5, use_bias=False)(x)
    x = layers.GlobalAveragePooling2D()(layers.BatchNormalization()(x))
    return keras.Model(inputs, layers.Dense(2, activation="softmax")(x), name=preset)


if __name__ == "__main__":
    words = sys.argv[1:]
    hosts = words[words.index("--hosts") :] if "--hosts" in words else []
    words = words[: len(words) - len(hosts)]
    if "--dropout" not in words:
        tiny_training.tiny_network = without_dropout
    tiny_training.be_tiny(setattr)
    setup.compile_model = tiny_training.compile_for_real  # eager JAX is slower than its tracing
    if "--each-step" in words:
        checkpointing._CHECKPOINT_INTERVAL_S = 0
        # What is written by the clock would move the operation that a kill is asked for at.
        status._STATUS_INTERVAL_S = slide_recorder._MIN_FRAME_INTERVAL_S = math.inf
    if "--as-on-gpu" in words:
        setup.choose_input_pipeline = lambda patches: InputPipeline(
            patches_on_device=True, steps_per_execution=2
        )
    runs = [word for word in words if not word.startswith("--")]
    codes = [main([run_id, *hosts]) for run_id in runs] or [main(hosts)]
    exit_process(max(codes))
