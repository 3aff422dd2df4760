"""How fast this device trains a network: ``python -m idc.training.device_benchmark PRESET BATCH
PRECISION``.

A process of its own, as a trainer is one: it loads what a trainer loads, takes a few steps on
random patches through the trainer's own batches, and prints one line of JSON, an
`idc.launch.training_speed.DeviceSpeed`.
"""

import json
import sys
import time
from typing import Any

import numpy as np

_STEPS = (3, 20)  # at least, at most
_MAX_DURATION_S = 3.0


def main(words: list[str]) -> int:
    """Measure, and print it. Returns 0, or 2 after an error."""
    from idc.errors import IdcError
    from idc.processes.console import print_error

    network, batch_size, precision = words
    try:
        print(json.dumps(measure(network, int(batch_size), precision)))
    except IdcError as error:
        return print_error(error)
    return 0


def measure(network: str, batch_size: int, precision: str) -> dict[str, Any]:
    """The attributes of an `idc.launch.training_speed.DeviceSpeed`."""
    began = time.monotonic()
    from idc.training.loop import TrainingBatches, build_model, compile_model  # isort: skip
    from idc.networks.devices import describe_device, gpu_peak_bytes
    from idc.networks.inference import BATCH_SIZE, predict_probabilities
    from idc.networks.precision import precision_scope
    from idc.settings.training_config import AUGMENTATIONS, preset_config

    preset, _, architecture = network.partition("-")
    config = preset_config(
        preset, "random", architecture=architecture, batch_size=batch_size, precision=precision
    )
    rng = np.random.default_rng(0)
    patches = rng.integers(0, 256, (max(batch_size, BATCH_SIZE), 50, 50, 3), np.uint8)
    with precision_scope(precision):
        model = build_model(network)
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
    """Seconds a patch."""
    from idc.training.augmentation import augment

    rng = np.random.default_rng(0)
    return _median_s(lambda: augment(patches, kind, rng)) / len(patches)


def _median_s(work: Any) -> float:
    least, most = _STEPS
    taken: list[float] = []
    while len(taken) < least or (len(taken) < most and sum(taken) < _MAX_DURATION_S):
        began = time.perf_counter()
        work()
        taken.append(time.perf_counter() - began)
    return float(np.median(taken))


def _peak_bytes() -> int | None:
    """The most memory that this process has had; None where the system does not tell."""
    try:
        import resource
    except ImportError:  # Windows
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else 1024 * peak


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
