"""Learning what a run's training patches look like, in the background of the server."""

import threading
from dataclasses import dataclass, field
from functools import partial

from idc.datasets.store import PatchStore
from idc.familiar import learn, reference_of
from idc.processes.thread_job import ThreadJob
from idc.runs.run import Run


@dataclass(kw_only=True)
class FamiliarJob(ThreadJob):
    """One such work and where it stands: "looking", "done" or "failed"."""

    work: str = "Looking at the training patches"
    state: str = "looking"
    thread: threading.Thread = field(default_factory=threading.Thread)


_jobs: dict[tuple[str, str], FamiliarJob] = {}  # by the weights and the data set's fingerprint
_lock = threading.Lock()


def start_learning(run: Run, store: PatchStore) -> FamiliarJob:
    """Start it, or join the work that is under way, or give the one that failed.

    Args:
        store: of `idc.familiar.store_to_compare`.
    """
    key = _key(run, store)
    with _lock:
        job = _jobs.get(key)
        if job is None or job.state == "done":  # done, and yet asked for: its file is gone
            job = _jobs[key] = FamiliarJob()
            look = partial(_look, run, store, job)
            job.thread = job.start(look, f"learn-{run.id}")
        return job


def _look(run: Run, store: PatchStore, job: FamiliarJob) -> None:
    learn(run, reference_of(run, store), on_progress=job.advance)


def forget_failure(run: Run, store: PatchStore) -> None:
    """Let the next `start_learning` try again."""
    with _lock:
        _jobs.pop(_key(run, store), None)


def _key(run: Run, store: PatchStore) -> tuple[str, str]:
    return run.best().get("sha256", ""), store.fingerprint
