"""Training speed of this device, from a short benchmark and from finished runs.

Benchmark results are stored in ``speeds/`` of IDC_HOME, one file per device, network, batch size
and precision. This module loads no network library.
"""

import contextlib
import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from idc.errors import DataError, RunError
from idc.files import atomic
from idc.files.home import home_dir
from idc.networks.hardware import device_description
from idc.runs.run import Run
from idc.settings.training_config import TrainingConfig

MAX_TESTED_BATCH = 256  # limits the memory that a visitor can request
_MAX_RUNS_READ = 3  # the newest matching runs


@dataclass(frozen=True)
class SpeedKey:
    """Everything that determines the speed, except the patches."""

    device: str
    network: str
    batch_size: int
    precision: str
    side_px: int

    @property
    def path(self) -> Path:
        """Path of the benchmark result."""
        backend = os.environ.get("KERAS_BACKEND", "tensorflow")
        text = "|".join((backend, *(str(value) for value in asdict(self).values())))
        return home_dir() / "speeds" / f"{hashlib.sha256(text.encode()).hexdigest()[:20]}.json"


@dataclass(frozen=True)
class DeviceSpeed:
    """Result of the benchmark.

    Attributes:
        device: description of the device, as reported by the network library.
        step_s: seconds per training step, without loading patches.
        augment_s: seconds per patch for each augmentation.
        predict_s: seconds per predicted patch, at the batch size of validation.
        start_s: seconds from process start to the end of the first step.
        base_bytes, train_bytes, peak_bytes: memory of the process before the first step, after
            training and after prediction; None if the system does not report it.
        gpu_bytes: peak GPU memory; None without a GPU.
    """

    device: str
    step_s: float
    augment_s: Mapping[str, float]
    predict_s: float
    start_s: float
    base_bytes: int | None
    train_bytes: int | None
    peak_bytes: int | None
    gpu_bytes: int | None


@dataclass(frozen=True)
class RunSpeed:
    """Median speed of finished runs.

    Attributes:
        step_s: seconds per training step, including loading and augmentation.
        predict_s: seconds per validation patch.
        runs: number of runs that were read.
    """

    step_s: float
    predict_s: float
    runs: int


def speed_key(config: TrainingConfig, side_px: int) -> SpeedKey:
    """Build the key of the benchmark for these settings and patches on this machine."""
    batch_size = min(config.batch_size, MAX_TESTED_BATCH)
    return SpeedKey(device_description(), config.network, batch_size, config.precision, side_px)


def load_speed(key: SpeedKey) -> DeviceSpeed | None:
    """Read the benchmark result; None if it does not exist or cannot be read."""
    with contextlib.suppress(OSError, ValueError, TypeError):
        return DeviceSpeed(**json.loads(key.path.read_text(encoding="utf-8")))
    return None


def save_speed(key: SpeedKey, values: Mapping[str, Any]) -> DeviceSpeed:
    """Save the values that the benchmark printed.

    Raises:
        OSError: the file cannot be written.
        TypeError: the values are not the fields of `DeviceSpeed`.
    """
    speed = DeviceSpeed(**values)
    key.path.parent.mkdir(parents=True, exist_ok=True)
    atomic.replace_json(key.path, asdict(speed))
    return speed


def run_speed(
    config: TrainingConfig, side_px: int, device: str, runs: Sequence[Run]
) -> RunSpeed | None:
    """Median speed of the newest matching runs on this device; None without any.

    Args:
        side_px: side of the patches.
        device: description as in ``environment.json`` of a run.
        runs: newest first.
    """
    found = []
    for run in runs:
        if _comparison_key(run.config) == _comparison_key(config):
            with contextlib.suppress(RunError, DataError):  # skip damaged runs
                same_side = run.description().side_px == side_px
                same_device = run.environment().get("device") == device
                if same_side and same_device and not run.shipped():
                    found += _run_timings(run)
        if len(found) == _MAX_RUNS_READ:
            break
    if not found:
        return None
    step_s, predict_s = np.median(np.array(found), axis=0)
    return RunSpeed(float(step_s), float(predict_s), len(found))


def _comparison_key(config: TrainingConfig) -> tuple[Any, ...]:
    return (config.network, config.batch_size, config.precision, config.augmentation)


def _run_timings(run: Run) -> list[tuple[float, float]]:
    """Return [(seconds per step, seconds per validation patch)], or [] if the log is too short."""
    log = run.log()
    found = []
    for epoch in log.epochs:
        steps = [step for step in log.steps if step["epoch"] == epoch["epoch"]]
        if len(steps) < 2 or steps[-1]["step"] == steps[0]["step"]:
            continue
        first, last = steps[0], steps[-1]
        step_s = (last["elapsed_s"] - first["elapsed_s"]) / (last["step"] - first["step"])
        scored = int(np.sum(epoch["val_confusion_matrix"]))
        rest_s = max(0.0, epoch["seconds"] - step_s * last["step"])
        found.append((step_s, rest_s / max(scored, 1)))
    return [tuple(np.median(np.array(found), axis=0).tolist())] if found else []
