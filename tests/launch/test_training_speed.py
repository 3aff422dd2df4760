import json
import subprocess
import sys
import time

import pytest

from idc.files import atomic
from idc.launch import benchmark_jobs
from idc.launch.start import create_run
from idc.launch.training_speed import SpeedKey, load_speed, run_speed, save_speed, speed_key
from idc.processes.job_registry import JobRegistry
from idc.runs.log import LogWriter
from idc.runs.run import ENVIRONMENT_FILE, RunStatus, list_runs
from idc.settings.training_config import preset_config

VALUES = {
    "device": "CPU, 2 cores",
    "step_s": 0.5,
    "augment_s": {"none": 0.0, "flips": 0.001, "flips+stain": 0.01},
    "predict_s": 0.01,
    "start_s": 8.0,
    "base_bytes": 1,
    "train_bytes": 2,
    "peak_bytes": 3,
    "gpu_bytes": None,
}
KEY = SpeedKey("CPU, 2 cores", "fast", 64, "float32", 50)
PRINTS = f"import json; print('noise'); print(json.dumps({VALUES!r}))"


@pytest.fixture
def prints(home, monkeypatch):
    """Replaces the benchmark by any Python code; waits for its thread."""
    monkeypatch.setattr(benchmark_jobs, "_jobs", JobRegistry())

    def start(code):
        command = [sys.executable, "-c", code]
        monkeypatch.setattr(benchmark_jobs, "benchmark_command", lambda key: command)
        return benchmark_jobs.start_benchmark(KEY)

    return start


def ended(job):
    deadline = time.monotonic() + 120
    while job.state == "measuring":
        assert time.monotonic() < deadline
        time.sleep(0.01)
    return job


# Saved results


def test_speeds_are_saved_per_device_network_batch_size_and_precision(home):
    assert load_speed(KEY) is None

    kept = save_speed(KEY, VALUES)

    assert load_speed(KEY) == kept
    for other in (
        SpeedKey("CPU, 4 cores", "fast", 64, "float32", 50),
        SpeedKey("CPU, 2 cores", "notebook", 64, "float32", 50),
        SpeedKey("CPU, 2 cores", "fast", 32, "float32", 50),
        SpeedKey("CPU, 2 cores", "fast", 64, "mixed", 50),
    ):
        assert load_speed(other) is None


def test_damaged_speed_file_gives_none(home):
    save_speed(KEY, VALUES)
    for content in ("{", "[]", '{"device": "x"}'):
        KEY.path.write_text(content)
        assert load_speed(KEY) is None


def test_large_batch_is_benchmarked_at_a_smaller_size(home):
    assert speed_key(preset_config("fast", "a", batch_size=8_192), 50).batch_size == 256


# Speed of finished runs


def run_with_log(device="CPU, 2 cores", seconds=(10.0, 30.0), **settings):
    run = create_run(preset_config("fast", "a", **settings))
    atomic.replace_json(run.folder / ENVIRONMENT_FILE, {"device": device})
    log = LogWriter(run.folder)
    for epoch, took in enumerate(seconds, 1):
        for step in (1, 11, 21):  # 0.1, then 0.3 seconds a step
            log.append(
                "step", epoch=epoch, step=step, loss=1, accuracy=0, elapsed_s=step * took / 100
            )
        log.append("epoch", epoch=epoch, seconds=took, val_confusion_matrix=[[40, 10], [20, 30]])
    run.write_status(RunStatus(state="finished", epochs=len(seconds)))
    return run


def test_run_speed_is_derived_from_matching_runs(home):
    run_with_log()
    run_with_log(batch_size=32)
    run_with_log(augmentation="none")
    run_with_log(device="NVIDIA H100, 80 GiB")

    speed = run_speed(preset_config("fast", "b", epochs=99), 50, "CPU, 2 cores", list_runs())

    assert speed.runs == 1
    assert speed.step_s == pytest.approx(0.2)
    assert speed.predict_s == pytest.approx(((10 - 2.1) / 100 + (30 - 6.3) / 100) / 2)


def test_run_speed_without_matching_runs_is_none(home):
    run_with_log(seconds=())

    assert run_speed(preset_config("fast", "b"), 50, "CPU, 2 cores", list_runs()) is None


# Background benchmark


def test_last_printed_line_is_saved(prints):
    job = ended(prints(PRINTS))

    assert (job.state, job.problem) == ("done", "")
    assert load_speed(KEY).step_s == 0.5


def test_error_sentence_becomes_the_problem(prints):
    job = ended(prints("import sys; sys.exit('idc: Mixed precision is for a GPU.')"))

    assert (job.state, job.problem) == ("failed", "Mixed precision is for a GPU.")
    assert load_speed(KEY) is None


def test_killed_benchmark_is_reported(prints):
    job = ended(prints("import os; os.kill(os.getpid(), 9)"))

    assert job.problem == "The speed test ended with code -9, perhaps for lack of memory."


def test_one_benchmark_at_a_time_and_none_outlives_the_server(prints):
    job = prints("import time; time.sleep(600)")

    assert benchmark_jobs.start_benchmark(KEY) is job
    assert benchmark_jobs.start_benchmark(SpeedKey("x", "fast", 1, "float32", 50)) is None
    benchmark_jobs.stop_benchmarks()

    assert ended(job).state == "stopped"
    assert job._process.returncode is not None
    assert load_speed(KEY) is None


def test_starting_a_training_stops_the_benchmark(prints):
    job = prints("import time; time.sleep(600)")

    create_run(preset_config("fast", "a"))  # it is "starting", by whichever button or shell

    assert ended(job).state == "stopped"
    assert job._process.returncode is not None
    assert load_speed(KEY) is None


@pytest.mark.slow  # loads TensorFlow
def test_benchmark_measures_this_device(home):
    done = subprocess.run(
        [sys.executable, "-m", "idc.training.device_benchmark", "fast", "4", "float32", "50"],
        capture_output=True,
        text=True,
    )

    assert done.returncode == 0, done.stderr
    speed = save_speed(KEY, json.loads(done.stdout.splitlines()[-1]))
    assert speed.step_s > 0
    assert speed.predict_s > 0
    assert speed.peak_bytes >= speed.train_bytes >= speed.base_bytes > 10**8
