"""How fast this device trains: measured once by a short test, and by every run that it finishes.

Figures of the short test lie in ``speeds/`` of IDC_HOME, a file for each device, network, batch
size and precision. No network library is loaded here.
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

from idc.errors import RunError
from idc.files import atomic
from idc.files.home import home_dir
from idc.networks.hardware import device_description
from idc.runs.run import Run
from idc.settings.training_config import TrainingConfig

MAX_TESTED_BATCH = 256  # a larger batch is not tried, or a visitor could fill the memory
_MAX_RUNS_READ = 3  # the newest ones that fit


@dataclass(frozen=True)
class SpeedKey:
    """What a speed depends on, besides the patches."""

    device: str
    network: str
    batch_size: int
    precision: str

    @property
    def path(self) -> Path:
        """Where the figures of the short test lie."""
        backend = os.environ.get("KERAS_BACKEND", "tensorflow")
        words = "|".join((backend, *(str(value) for value in asdict(self).values())))
        return home_dir() / "speeds" / f"{hashlib.sha256(words.encode()).hexdigest()[:20]}.json"


@dataclass(frozen=True)
class DeviceSpeed:
    """What the short test measured.

    Attributes:
        device: in words, as the network library tells it.
        step_s: a training step, its patches ready. ``augment_s``: by augmentation, a patch.
        predict_s: a patch, in batches as of validation.
        start_s: from nothing to the end of the first step.
        base_bytes, train_bytes, peak_bytes: memory of the process before the first step, after
            training, after predicting too; None where the system does not tell.
        gpu_bytes: the most in use on the GPU; None without one.
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
    """What finished runs took.

    Attributes:
        step_s: a training step with all that belongs to it. ``predict_s``: a validation patch.
        runs: how many runs were read.
    """

    step_s: float
    predict_s: float
    runs: int


def speed_key(config: TrainingConfig) -> SpeedKey:
    """What the speed of such a run depends on, on this machine."""
    batch_size = min(config.batch_size, MAX_TESTED_BATCH)
    return SpeedKey(device_description(), config.network, batch_size, config.precision)


def load_speed(key: SpeedKey) -> DeviceSpeed | None:
    """The figures of the short test; None when there are none, or they cannot be read."""
    with contextlib.suppress(OSError, ValueError, TypeError):
        return DeviceSpeed(**json.loads(key.path.read_text(encoding="utf-8")))
    return None


def save_speed(key: SpeedKey, values: Mapping[str, Any]) -> DeviceSpeed:
    """Note what the short test printed.

    Raises:
        OSError: it cannot be written. TypeError: it is something else.
    """
    speed = DeviceSpeed(**values)
    key.path.parent.mkdir(parents=True, exist_ok=True)
    atomic.replace_json(key.path, asdict(speed))
    return speed


def run_speed(config: TrainingConfig, device: str, runs: Sequence[Run]) -> RunSpeed | None:
    """The speed of the newest finished runs of this kind on this device; None without any.

    Args:
        device: in words, as in a run's ``environment.json``.
        runs: the newest first.
    """
    found = []
    for run in runs:
        if _comparison_key(run.config) == _comparison_key(config):
            with contextlib.suppress(RunError):  # a damaged one must not hide the others
                if run.environment().get("device") == device and not run.shipped():
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
    """[(seconds a step, seconds a validation patch)] of a run, or [] when its log is too short."""
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
