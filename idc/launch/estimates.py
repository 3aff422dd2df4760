"""How long a training will take on this device, and how much memory: told before it starts."""

from dataclasses import dataclass

from idc.datasets.splits import Split
from idc.launch.training_speed import MAX_TESTED_BATCH, DeviceSpeed, RunSpeed
from idc.patches import PATCH_SHAPE
from idc.settings.training_config import TrainingConfig

_PATCH_BYTES = PATCH_SHAPE[0] * PATCH_SHAPE[1] * PATCH_SHAPE[2]


@dataclass(frozen=True)
class Estimate:
    """What a training will take.

    Attributes:
        seconds: to its end, all epochs; early stopping may end it sooner.
        memory_bytes: of the trainer's process; None where unknown.
        gpu_bytes: of the GPU's memory in use; None without one.
        cache_bytes: of the patches, which the system may keep in memory, and gives back when
            something else needs it.
        source: where the figures are from, one sentence.
    """

    seconds: float
    memory_bytes: int | None
    gpu_bytes: int | None
    cache_bytes: int
    source: str


def estimate(
    config: TrainingConfig, split: Split, speed: DeviceSpeed, measured: RunSpeed | None
) -> Estimate:
    """Estimate a training.

    Args:
        speed: of the short test, at this batch size or at the largest one that is tested.
        measured: what finished runs of this kind took, if there are any; it wins over the test.
    """
    train, validation = len(split.train), len(split.validation)
    steps = -(-train // config.batch_size)
    batch_scale = max(1.0, config.batch_size / MAX_TESTED_BATCH)
    if measured:
        epoch_s = steps * measured.step_s + validation * measured.predict_s
        predict_s = measured.predict_s
        runs = "the last run" if measured.runs == 1 else f"the last {measured.runs} runs"
        source = f"From {runs} of this kind on this device."
    else:
        step_s = speed.step_s * batch_scale
        epoch_s = steps * step_s + train * speed.augment_s[config.augmentation]
        epoch_s += validation * speed.predict_s
        predict_s = speed.predict_s
        source = "From a short test on this device; finished runs make it more exact."
    scored = validation + len(split.test)
    return Estimate(
        seconds=speed.start_s + config.epochs * epoch_s + scored * predict_s,
        memory_bytes=_peak_memory_bytes(speed, batch_scale),
        gpu_bytes=None if speed.gpu_bytes is None else int(speed.gpu_bytes * batch_scale),
        cache_bytes=(train + scored) * _PATCH_BYTES,
        source=source,
    )


def _peak_memory_bytes(speed: DeviceSpeed, batch_scale: float) -> int | None:
    """What a step needs grows with its patches; the libraries and the validation do not."""
    if speed.base_bytes is None or speed.train_bytes is None or speed.peak_bytes is None:
        return None
    step = speed.train_bytes - speed.base_bytes
    return max(speed.peak_bytes, speed.base_bytes + int(step * batch_scale))
