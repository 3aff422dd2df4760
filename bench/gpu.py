"""Training speed on this device in patches per second, compared with other ways.

The trainer is measured with both input pipelines (see `idc.training.input_pipeline`): batches from
the host, and patches on the device with several steps per execution. For comparison:

(a) the notebook's own loop: its network, Keras' ``fit`` on arrays, batches of 20;
(b) the bare forward and backward pass of the same network and batch on data that is on the device:
    the upper limit for any input pipeline;
(c) the input alone: batches drawn and augmented on one core without training.

    KERAS_BACKEND=jax python bench/gpu.py [--preset fast] [--batch-size 1024] [--patches 20000]
        [--steps-a-call 8] [--precision mixed]

All in one process, in turns, the first turn for compiling left out; medians over the others. The
patches are noise: speed does not depend on what they show. Prints a Markdown table with device and
versions. It says by itself when it ran on a CPU: then the table is no figure for a GPU.
"""

import argparse
import os
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
sys.path.insert(0, str(Path(__file__).resolve().parent))

import keras
import numpy as np
from notebook_baseline import notebook_network

from idc.networks.devices import describe_device
from idc.networks.models import build_model
from idc.networks.precision import precision_scope
from idc.settings.training_config import PRECISIONS, TrainingConfig, preset_config
from idc.training.batches import TrainingBatches
from idc.training.device_patches import model_with_device_patches
from idc.training.input_pipeline import InputPipeline
from idc.training.loop import StepCallback
from idc.training.objective import compile_model

_NOTEBOOK_BATCH = 20


def main() -> None:
    options = _parse()
    rng = np.random.default_rng(0)
    patches = rng.integers(0, 256, (options.patches, 50, 50, 3), np.uint8)
    labels = rng.integers(0, 2, options.patches)
    config = preset_config(
        options.preset, "bench", batch_size=options.batch_size, precision=options.precision
    )
    fed = InputPipeline(threads=options.threads)
    held = InputPipeline(patches_on_device=True, steps_per_execution=options.steps_per_execution)
    contestants = {
        "(a) the notebook's loop": _notebook_loop(patches, labels, options.notebook_patches),
        "this trainer, fed from the host": _trainer(patches, labels, config, fed),
        "this trainer, patches on the device": _trainer(patches, labels, config, held),
        "(b) bare forward + backward": _bare(patches, labels, config),
        "(c) input alone": _input(patches, labels, config),
    }
    speeds: dict[str, list[float]] = {name: [] for name in contestants}
    for turn in range(options.turns + 1):
        for name, run in contestants.items():
            began = time.perf_counter()
            done = run()
            if turn:  # the first one compiles
                speeds[name].append(done / (time.perf_counter() - began))
    _print(options, {name: statistics.median(values) for name, values in speeds.items()})


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--preset", default="fast")
    parser.add_argument("--batch-size", type=int, default=1024)
    parser.add_argument("--precision", choices=tuple(PRECISIONS), default="float32")
    parser.add_argument("--patches", type=int, default=20_000, help="of an epoch")
    parser.add_argument("--notebook-patches", type=int, default=2_000, help="of the loop (a)")
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--steps-a-call", type=int, default=8, help="with patches on the device")
    parser.add_argument("--threads", type=int, default=1, help="that draw batches on the host")
    return parser.parse_args()


def _notebook_loop(patches: np.ndarray, labels: np.ndarray, count: int) -> Callable[[], int]:
    x, y = patches[:count], keras.utils.to_categorical(labels[:count], 2)
    model = notebook_network()
    model.compile(keras.optimizers.Adam(1e-4), "binary_crossentropy", metrics=["accuracy"])

    def run() -> int:
        model.fit(x, y, batch_size=_NOTEBOOK_BATCH, epochs=1, verbose=0)
        return len(x)

    return run


def _trainer(
    patches: np.ndarray, labels: np.ndarray, config: TrainingConfig, feeding: InputPipeline
) -> Callable[[], int]:
    """One epoch as `idc.training.loop` does it, its callback after each call included."""
    rows = np.arange(len(patches))
    with precision_scope(config.precision):
        model = build_model(config.network)
        if feeding.patches_on_device:
            model = model_with_device_patches(model, patches, config.augmentation)
    steps = 10 * len(rows) // config.batch_size
    compile_model(model, config, steps, steps_per_execution=feeding.steps_per_execution)

    def after_step(step: int, logs: dict[str, float]) -> None:
        float(logs["cross_entropy"])

    def run() -> int:
        batches = TrainingBatches(
            patches,
            labels,
            rows,
            batch_size=config.batch_size,
            augmentation=config.augmentation,
            seed=0,
            epoch=1,
            on_device=feeding.patches_on_device,
            workers=feeding.threads,
        )
        callback = StepCallback(after_step, 0, ())
        model.fit(batches, epochs=1, shuffle=False, verbose=0, callbacks=[callback])
        return len(rows)

    return run


def _input(patches: np.ndarray, labels: np.ndarray, config: TrainingConfig) -> Callable[[], int]:
    def run() -> int:
        batches = TrainingBatches(
            patches,
            labels,
            np.arange(len(patches)),
            batch_size=config.batch_size,
            augmentation=config.augmentation,
            seed=0,
            epoch=1,
        )
        return sum(len(batches[number][0]) for number in range(len(batches)))

    return run


def _bare(patches: np.ndarray, labels: np.ndarray, config: TrainingConfig) -> Callable[[], int]:
    """The compiled training step again and again on one batch that stays on the device."""
    batch_size, steps = config.batch_size, max(1, len(patches) // config.batch_size)
    with precision_scope(config.precision):
        model = build_model(config.network)
    compile_model(model, config, 10 * steps)
    x = keras.ops.convert_to_tensor(patches[:batch_size])
    y = keras.ops.convert_to_tensor(np.eye(2, dtype=np.float32)[labels[:batch_size]])
    model.train_on_batch(x, y)

    def on_jax() -> int:
        state = model._get_jax_state(
            trainable_variables=True,
            non_trainable_variables=True,
            optimizer_variables=True,
            metrics_variables=True,
        )
        for _ in range(steps):
            _, state = model.train_function(state, iter([(x, y, None)]))
        np.asarray(state[0][0])  # wait for the device
        parts = (model.trainable_variables, model.non_trainable_variables)
        parts += (model.optimizer.variables, model.metrics_variables)
        for variables, values in zip(parts, state, strict=True):
            for variable, value in zip(variables, values, strict=True):
                variable.assign(value)
        return steps * batch_size

    def on_tensorflow() -> int:
        for _ in range(steps):
            logs = step()
        float(logs["loss"])
        return steps * batch_size

    if keras.backend.backend() == "jax":
        return on_jax
    import tensorflow as tf

    step = tf.function(lambda: model.train_step((x, y)))
    return on_tensorflow


def _print(options: argparse.Namespace, speeds: dict[str, float]) -> None:
    backend = keras.backend.backend()
    version = getattr(__import__(backend), "__version__", "unknown")
    device = describe_device()
    print(
        f"{time.strftime('%Y-%m-%d')}, {device}, Keras {keras.__version__} on {backend} {version}, "
        f"preset {options.preset} in {options.precision}, {options.batch_size} patches a step"
    )
    if device.startswith("CPU"):
        print("Measured on a CPU: the GPU column is not measured yet.")
    notebook, fed, held, limit, _ = speeds.values()
    print("\n| | patches/s |\n|---|---|")
    for name, speed in speeds.items():
        print(f"| {name} | {speed:,.0f} |")
    for name, ours in (("fed from the host", fed), ("patches on the device", held)):
        print(
            f"\n{name}: {ours / notebook:.1f} times (a), {ours / limit:.0%} of (b); a full-size "
            f"epoch (277,524 patches) would take {277_524 / ours:,.1f} s"
        )


if __name__ == "__main__":
    main()
