"""Measuring in the background of the server, so that no visitor waits for it."""

import threading
from dataclasses import dataclass
from functools import partial

from idc.measurements import measure_store
from idc.processes.thread_job import ThreadJob
from idc.store import PatchStore


@dataclass(kw_only=True)
class MeasureJob(ThreadJob):
    """One measuring and where it stands: "measuring", "done", "failed" or "stopped"."""

    work: str = "Measuring"
    state: str = "measuring"


_jobs: dict[str, MeasureJob] = {}  # by the fingerprint of the store
_lock = threading.Lock()


def measure_job(store: PatchStore) -> MeasureJob | None:
    """The latest measuring of a store since the server started."""
    return _jobs.get(store.fingerprint)


def start_measuring(store: PatchStore) -> MeasureJob:
    """Start to measure a store, or join the measuring that is under way."""
    with _lock:
        job = _jobs.get(store.fingerprint)
        if job is None or not job.live:
            job = _jobs[store.fingerprint] = MeasureJob(total=len(store))
            measure = partial(measure_store, store, on_progress=job.advance)
            job.start(measure, f"measure-{store.name}")
        return job
