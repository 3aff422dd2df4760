"""Runs device benchmarks in the background, one at a time.

A benchmark yields to trainings: it does not begin while a training is live, and it ends when a
training starts.
"""

import atexit
import json
import subprocess
import time
from dataclasses import dataclass

from idc.errors import RunError
from idc.launch.active_training import active_training_name
from idc.launch.training_speed import SpeedKey, save_speed
from idc.processes.detached import module_command, start_detached
from idc.processes.environment import child_environment
from idc.processes.job_registry import JobRegistry
from idc.processes.thread_job import ThreadJob

_TIMEOUT_S = 180.0
_POLL_INTERVAL_S = 0.5
_MAX_KEPT = 32


@dataclass(kw_only=True)
class BenchmarkJob(ThreadJob):
    """One benchmark and its state: "measuring", "done", "failed" or "stopped"."""

    key: SpeedKey
    title: str = "The speed test"
    state: str = "measuring"
    _process: subprocess.Popen[str] | None = None

    def stop(self) -> None:
        """Kill the benchmark process; no result is saved."""
        super().stop()
        if self._process is not None:
            self._process.kill()

    def measure(self) -> None:
        """Run the benchmark process and save the speed.

        Raises:
            StopRequested: the benchmark was stopped, or a training started.
            RunError: the benchmark failed.
        """
        save_speed(self.key, json.loads(self._run_process()))

    def _run_process(self) -> str:
        """Return the last line that the process prints."""
        with start_detached(
            benchmark_command(self.key),
            environment={**child_environment(runs_network=True), "TF_CPP_MIN_LOG_LEVEL": "3"},
            output=subprocess.PIPE,
            errors=subprocess.PIPE,
        ) as process:
            self._process = process
            try:
                output, errors = self._wait_for(process)
            except subprocess.TimeoutExpired as error:
                raise RunError(f"The speed test took longer than {_TIMEOUT_S:.0f} s.") from error
            finally:
                process.kill()
        self.check_stop()
        lines = output.splitlines()
        if process.returncode == 0 and lines:
            return lines[-1]
        problems = [line for line in errors.splitlines() if line.startswith("idc: ")]
        if problems:
            raise RunError(problems[-1].removeprefix("idc: "))
        raise RunError(
            f"The speed test ended with code {process.returncode}, perhaps for lack of memory."
        )

    def _wait_for(self, process: subprocess.Popen[str]) -> tuple[str, str]:
        """Return standard output and standard error; both are empty after a stop."""
        start_s = time.monotonic()
        while not self._stop.is_set():
            try:
                return process.communicate(timeout=_POLL_INTERVAL_S)
            except subprocess.TimeoutExpired:
                if time.monotonic() - start_s > _TIMEOUT_S:
                    raise
                if active_training_name():
                    self._stop.set()
        return "", ""


_jobs: JobRegistry[SpeedKey, BenchmarkJob] = JobRegistry(_MAX_KEPT)


def benchmark_command(key: SpeedKey) -> list[str]:
    """Build the command line of the benchmark process."""
    arguments = [key.network, str(key.batch_size), key.precision, str(key.side_px)]
    return module_command("idc.training.device_benchmark", *arguments)


def benchmark_job(key: SpeedKey) -> BenchmarkJob | None:
    """Return the latest benchmark of a key since the server started."""
    return _jobs.get(key)


def start_benchmark(key: SpeedKey) -> BenchmarkJob | None:
    """Start a benchmark or return the live one of this key; None while another key is live."""

    def start() -> BenchmarkJob:
        job = BenchmarkJob(key=key)
        job.start(job.measure, "benchmark")
        return job

    return _jobs.start_alone(key, start)


def stop_benchmarks() -> None:
    """Stop the live benchmark, so that none outlives the server."""
    for job in _jobs.list_jobs():
        if job.live:
            job.stop()


atexit.register(stop_benchmarks)
