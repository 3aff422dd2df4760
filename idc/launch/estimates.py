"""Estimates the duration and memory of a training before it starts."""

from dataclasses import dataclass

from idc.datasets.splits import Split
from idc.launch.training_speed import MAX_TESTED_BATCH, DeviceSpeed, RunSpeed
from idc.settings.training_config import TrainingConfig


@dataclass(frozen=True)
class Estimate:
    """Estimated duration and memory of a training.

    Attributes:
        seconds: duration of all epochs and the final scoring, without early stopping.
        memory_bytes: peak memory of the trainer process; None if unknown.
        gpu_bytes: peak GPU memory; None without a GPU.
        cache_bytes: size of the patches in the page cache, which the system can reclaim.
        source: one sentence that states the origin of the figures.
    """

    seconds: float
    memory_bytes: int | None
    gpu_bytes: int | None
    cache_bytes: int
    source: str


def estimate(
    config: TrainingConfig,
    split: Split,
    patch_bytes: int,
    speed: DeviceSpeed,
    measured: RunSpeed | None,
) -> Estimate:
    """Estimate a training.

    Args:
        patch_bytes: of one stored patch.
        speed: benchmark result at this batch size, or at `MAX_TESTED_BATCH` if that is smaller.
        measured: speed of finished runs with these settings; overrides the benchmark.
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
        cache_bytes=(train + scored) * patch_bytes,
        source=source,
    )


def _peak_memory_bytes(speed: DeviceSpeed, batch_scale: float) -> int | None:
    """Scale the memory of a step with the batch; libraries and validation stay constant."""
    if speed.base_bytes is None or speed.train_bytes is None or speed.peak_bytes is None:
        return None
    step = speed.train_bytes - speed.base_bytes
    return max(speed.peak_bytes, speed.base_bytes + int(step * batch_scale))
