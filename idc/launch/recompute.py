"""Starts `idc.training.recompute_worker`: for the shell, and in the background for Evaluate."""

import subprocess
from dataclasses import dataclass

from idc.errors import RunError
from idc.processes.detached import module_command, start_detached
from idc.processes.environment import child_environment
from idc.processes.job_registry import JobRegistry
from idc.processes.thread_job import ThreadJob
from idc.runs.run import Run


@dataclass(kw_only=True)
class RecomputeJob(ThreadJob):
    """One recomputation and its state: "predicting", "done" or "failed"."""

    title: str = "Computing the predictions again"
    state: str = "predicting"


_jobs: JobRegistry[str, RecomputeJob] = JobRegistry(max_jobs=32)


def recompute_files(run: Run) -> None:
    """Write a run's predictions, calibration and log again, in a process with Keras.

    Raises:
        RunError: the process failed; the sentence is its own.
    """
    with start_detached(
        module_command("idc.training.recompute_worker", run.id),
        environment={**child_environment(runs_network=True), "TF_CPP_MIN_LOG_LEVEL": "3"},
        errors=subprocess.PIPE,
    ) as process:
        _, errors = process.communicate()
    if process.returncode == 0:
        return
    problems = [line for line in errors.splitlines() if line.startswith("idc: ")]
    if problems:
        raise RunError(problems[-1].removeprefix("idc: "))
    raise RunError(
        f"Computing the predictions of '{run.title}' again ended with code {process.returncode}, "
        "perhaps for lack of memory; free some and try again."
    )


def start_recompute(run: Run) -> RecomputeJob:
    """Start `recompute_files` in the background, or join the live job of this run."""

    def start() -> RecomputeJob:
        job = RecomputeJob()
        job.start(lambda: recompute_files(run), f"recompute-{run.id}")
        return job

    return _jobs.start_or_join(run.id, start)


def recompute_job(run: Run) -> RecomputeJob | None:
    """The latest recomputation of a run since the server started."""
    return _jobs.get(run.id)
