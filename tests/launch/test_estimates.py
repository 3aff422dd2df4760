import numpy as np
import pytest

from idc.datasets.splits import Split
from idc.launch.estimates import estimate
from idc.launch.training_speed import DeviceSpeed, RunSpeed
from idc.settings.training_config import preset_config

SPEED = DeviceSpeed(
    device="CPU, 2 cores",
    step_s=0.5,
    augment_s={"none": 0.0, "flips": 0.001, "flips+stain": 0.01},
    predict_s=0.01,
    start_s=8.0,
    base_bytes=700,
    train_bytes=900,
    peak_bytes=950,
    gpu_bytes=None,
)
# 100 patches train in batches of 50 or 400, 20 validate, 10 test
SPLIT = Split("random", 0, np.arange(100), np.arange(100, 120), np.arange(120, 130))


def config(**settings):
    return preset_config("notebook", "a", **{"epochs": 3, "batch_size": 50, **settings})


def test_time_includes_start_epochs_and_final_scoring():
    result = estimate(config(), SPLIT, 7_500, SPEED, None)

    assert result.seconds == pytest.approx(8 + 3 * (2 * 0.5 + 20 * 0.01) + 30 * 0.01)
    assert result.source.startswith("From a short test on this device")


def test_augmentation_costs_each_training_patch():
    result = estimate(config(augmentation="flips+stain"), SPLIT, 7_500, SPEED, None)

    assert result.seconds == pytest.approx(8 + 3 * (1 + 100 * 0.01 + 0.2) + 0.3)


def test_finished_runs_override_the_benchmark():
    result = estimate(
        config(augmentation="flips"), SPLIT, 7_500, SPEED, RunSpeed(0.25, 0.02, runs=2)
    )

    assert result.seconds == pytest.approx(8 + 3 * (2 * 0.25 + 20 * 0.02) + 30 * 0.02)
    assert result.source == "From the last 2 runs of this kind on this device."


def test_batch_beyond_the_largest_tested_one_is_scaled_up():
    result = estimate(config(batch_size=512), SPLIT, 7_500, SPEED, None)  # tested at 256

    assert result.seconds == pytest.approx(8 + 3 * (1 * 1.0 + 0.2) + 0.3)
    assert result.memory_bytes == 700 + 2 * 200


def test_memory_is_the_benchmark_peak_without_patches():
    result = estimate(config(), SPLIT, 7_500, SPEED, None)

    assert result.memory_bytes == 950
    assert result.cache_bytes == 130 * 50 * 50 * 3
