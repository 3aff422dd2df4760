"""Trains runs one after the other in this process, on the backend in KERAS_BACKEND.

The network is tiny. It has no dropout by default, because dropout masks differ between backends.

python tests/support/programs/backend_trainer.py [--dropout] [--each-step] [--as-on-gpu] RUN_ID...
    [--fault FAULT] [--hosts ... --host-index N]

    --each-step: a checkpoint after each step, so that a killed run resumes within an epoch
    --as-on-gpu: patches on the device, and several steps per call
    --fault: as `tests.support.disk_faults` takes it
"""

import math
import sys

from idc.training import setup
from idc.training.input_pipeline import InputPipeline
from idc.training.observers import checkpointing, slide_recorder, status
from idc.training.trainer import exit_process, main
from tests.support import tiny_training
from tests.support.disk_faults import install_fault


def without_dropout(preset, side_px=50):
    import keras

    layers = keras.layers
    inputs = keras.Input((50, 50, 3), dtype="uint8")
    x = layers.Rescaling(1 / 255)(inputs)
    # No bias before batch normalisation: its gradient is rounding noise, which Adam amplifies.
    x = layers.Conv2D(4, 5, strides=5, use_bias=False)(x)
    x = layers.GlobalAveragePooling2D()(layers.BatchNormalization()(x))
    return keras.Model(inputs, layers.Dense(2, activation="softmax")(x), name=preset)


if __name__ == "__main__":
    words = sys.argv[1:]
    hosts = words[words.index("--hosts") :] if "--hosts" in words else []
    words = words[: len(words) - len(hosts)]
    if "--fault" in words:
        at = words.index("--fault")
        install_fault(words[at + 1])
        del words[at : at + 2]
    if "--dropout" not in words:
        tiny_training.tiny_network = without_dropout
    tiny_training.be_tiny(setattr)
    setup.compile_model = tiny_training.compile_for_real  # tracing is faster than eager JAX
    if "--each-step" in words:
        checkpointing._CHECKPOINT_INTERVAL_S = 0
        # Files written at time intervals would shift the file operation at which the kill happens.
        status._STATUS_INTERVAL_S = slide_recorder._MIN_FRAME_INTERVAL_S = math.inf
    if "--as-on-gpu" in words:
        setup.choose_input_pipeline = lambda patches: InputPipeline(
            patches_on_device=True, steps_per_execution=2
        )
    runs = [word for word in words if not word.startswith("--")]
    codes = [main([run_id, *hosts]) for run_id in runs] or [main(hosts)]
    exit_process(max(codes))
