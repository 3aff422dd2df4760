"""Short tests of the device's speed beside the server, one at a time; no visitor waits for one.

A test gives way to trainings: it does not begin while one is live, and ends when one is, whoever
started it.
"""

import atexit
import json
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field

from idc.files.home import PROJECT_DIR, home_dir
from idc.launch.active_training import active_training_name
from idc.launch.standby import trainer_environment
from idc.launch.training_speed import SpeedKey, save_speed

_TIMEOUT_S = 180.0
_POLL_INTERVAL_S = 0.5
_MAX_KEPT = 32


@dataclass
class BenchmarkJob:
    """One test and where it stands. Read by pages, written by its thread.

    Attributes:
        state: "measuring", "done", "failed" or "stopped".
        problem: why it failed, one sentence.
    """

    key: SpeedKey
    state: str = "measuring"
    problem: str = ""
    _stop: threading.Event = field(default_factory=threading.Event)
    _process: subprocess.Popen[str] | None = None

    def stop(self) -> None:
        """End at once; nothing is kept of it."""
        self._stop.set()
        if self._process is not None:
            self._process.kill()

    def _work(self) -> None:
        try:
            answer, problem = self._measure()
            if self._stop.is_set():
                self.state = "stopped"
            elif problem:
                self.state, self.problem = "failed", problem
            else:
                save_speed(self.key, json.loads(answer))
                self.state = "done"
        except Exception as error:
            # A thread's error reaches nobody else, and the page must not wait for ever.
            self.state, self.problem = "failed", f"The test broke off: {type(error).__name__}."
            raise

    def _measure(self) -> tuple[str, str]:
        """(its last line, "") or ("", what went wrong)."""
        with subprocess.Popen(
            benchmark_command(self.key),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
            cwd=PROJECT_DIR,
            env={**trainer_environment(home_dir()), "TF_CPP_MIN_LOG_LEVEL": "3"},
        ) as process:
            self._process = process
            try:
                output, errors = self._wait_for(process)
            except subprocess.TimeoutExpired:
                return "", f"The test took longer than {_TIMEOUT_S:.0f} s."
            finally:
                process.kill()
        lines = output.splitlines()
        if process.returncode == 0 and lines:
            return lines[-1], ""
        said = [line for line in errors.splitlines() if line.startswith("idc: ")]
        if said:
            return "", said[-1].removeprefix("idc: ")
        return "", f"The test ended with code {process.returncode}, perhaps for want of memory."

    def _wait_for(self, process: subprocess.Popen[str]) -> tuple[str, str]:
        """What it said by its end; both empty when the test is to give way."""
        began = time.monotonic()
        while not self._stop.is_set():
            try:
                return process.communicate(timeout=_POLL_INTERVAL_S)
            except subprocess.TimeoutExpired:
                if time.monotonic() - began > _TIMEOUT_S:
                    raise
                if active_training_name():
                    self._stop.set()
        return "", ""


_jobs: dict[SpeedKey, BenchmarkJob] = {}
_lock = threading.Lock()


def benchmark_command(key: SpeedKey) -> list[str]:
    """The command line of the test."""
    words = [key.network, str(key.batch_size), key.precision]
    return [sys.executable, "-m", "idc.training.device_benchmark", *words]


def benchmark_job(key: SpeedKey) -> BenchmarkJob | None:
    """The latest test of a key since the server started."""
    return _jobs.get(key)


def start_benchmark(key: SpeedKey) -> BenchmarkJob | None:
    """Start a test, or join the one of that key; None while another one is under way."""
    with _lock:
        job = _jobs.get(key)
        if job is not None and job.state == "measuring":
            return job
        if any(other.state == "measuring" for other in _jobs.values()):
            return None
        while len(_jobs) >= _MAX_KEPT:  # none of them measures
            del _jobs[next(iter(_jobs))]
        job = _jobs[key] = BenchmarkJob(key)
        threading.Thread(target=job._work, name="speed-test", daemon=True).start()
        return job


def stop_benchmarks() -> None:
    """None outlives the server."""
    with _lock:
        for job in _jobs.values():
            if job.state == "measuring":
                job.stop()


atexit.register(stop_benchmarks)
