"""Training speed of this device: ``python -m idc.training.device_benchmark NETWORK BATCH
PRECISION SIDE``.

Runs as a separate process, like a trainer. It imports what a trainer imports, takes a few steps on
random patches with the trainer's batches, and prints one line of JSON: the attributes of an
`idc.launch.training_speed.DeviceSpeed`.
"""

import json
import sys
import time
from typing import Any

import numpy as np

_MIN_STEPS, _MAX_STEPS = 3, 20
_MAX_DURATION_S = 3.0


def main(arguments: list[str]) -> int:
    """Print the measurement. Returns 0, or 2 after an error."""
    from idc.errors import IdcError
    from idc.processes.console import print_error

    network, batch_size, precision, side_px = arguments
    try:
        print(json.dumps(measure(network, int(batch_size), precision, int(side_px))))
    except IdcError as error:
        return print_error(error)
    return 0


def measure(network: str, batch_size: int, precision: str, side_px: int) -> dict[str, Any]:
    """The attributes of an `idc.launch.training_speed.DeviceSpeed`."""
    began = time.monotonic()
    # Keras before modules that import pandas, as in the trainer.
    from idc.training.setup import TrainingBatches, build_model, compile_model  # isort: skip
    from idc.networks.devices import describe_device, gpu_peak_bytes
    from idc.networks.inference import BATCH_SIZE, predict_probabilities
    from idc.networks.precision import precision_scope
    from idc.settings.training_config import AUGMENTATIONS, preset_config

    preset, _, architecture = network.partition("-")
    config = preset_config(
        preset, "random", architecture=architecture, batch_size=batch_size, precision=precision
    )
    rng = np.random.default_rng(0)
    patches = rng.integers(0, 256, (max(batch_size, BATCH_SIZE), side_px, side_px, 3), np.uint8)
    with precision_scope(precision):
        model = build_model(network, side_px)
    compile_model(model, config, 1_000)
    base_bytes = _peak_bytes()
    batch = TrainingBatches(
        patches,
        np.arange(len(patches)) % 2,
        np.arange(batch_size),
        batch_size=batch_size,
        augmentation="none",
        seed=0,
        epoch=1,
    )[0]
    model.train_on_batch(*batch)  # compiles
    start_s = time.monotonic() - began
    step_s = _median_s(lambda: model.train_on_batch(*batch))
    train_bytes = _peak_bytes()
    predict_probabilities(model, patches[:BATCH_SIZE])  # compiles
    predict_s = _median_s(lambda: predict_probabilities(model, patches[:BATCH_SIZE])) / BATCH_SIZE
    return {
        "device": describe_device(),
        "step_s": step_s,
        "augment_s": {kind: _augment_s(batch[0], kind) for kind in AUGMENTATIONS},
        "predict_s": predict_s,
        "start_s": start_s,
        "base_bytes": base_bytes,
        "train_bytes": train_bytes,
        "peak_bytes": _peak_bytes(),
        "gpu_bytes": gpu_peak_bytes(),
    }


def _augment_s(patches: np.ndarray, kind: str) -> float:
    """Seconds per patch."""
    from idc.training.augmentation import augment

    rng = np.random.default_rng(0)
    return _median_s(lambda: augment(patches, kind, rng)) / len(patches)


def _median_s(work: Any) -> float:
    durations: list[float] = []
    while len(durations) < _MIN_STEPS or (
        len(durations) < _MAX_STEPS and sum(durations) < _MAX_DURATION_S
    ):
        began = time.perf_counter()
        work()
        durations.append(time.perf_counter() - began)
    return float(np.median(durations))


def _peak_bytes() -> int | None:
    """Peak memory of this process; None where the system does not report it."""
    try:
        import resource
    except ImportError:  # Windows
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else 1024 * peak


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
