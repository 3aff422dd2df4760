"""Measuring in the background of the server, so that no visitor waits for it."""

import threading
import time
from dataclasses import dataclass, field

from idc.errors import IdcError
from idc.measurements import measure_store
from idc.store import PatchStore


class _Stopped(Exception):
    """The visitor asked for it."""


@dataclass
class MeasureJob:
    """One measuring and where it stands. Read by pages, written by its thread.

    Attributes:
        state: "measuring", "done", "failed" or "stopped".
        problem: why it failed, one sentence.
    """

    total: int
    state: str = "measuring"
    done: int = 0
    problem: str = ""
    began: float = field(default_factory=time.monotonic)
    _stop: threading.Event = field(default_factory=threading.Event)

    def stop(self) -> None:
        """End at the next block; nothing half-made is left."""
        self._stop.set()

    def left_s(self) -> float | None:
        """Estimated seconds to the end; None before the first block."""
        if not self.done:
            return None
        return (time.monotonic() - self.began) / self.done * (self.total - self.done)

    def _work(self, store: PatchStore) -> None:
        try:
            measure_store(store, on_progress=self._advance)
            self.state = "done"
        except _Stopped:
            self.state = "stopped"
        except IdcError as error:
            self.state, self.problem = "failed", str(error)
        except Exception as error:
            # A thread's error reaches nobody else, and the page must not wait for ever.
            self.state, self.problem = "failed", f"Measuring broke off: {type(error).__name__}."
            raise

    def _advance(self, done: int, total: int) -> None:
        self.done, self.total = done, total
        if self._stop.is_set():
            raise _Stopped


_jobs: dict[str, MeasureJob] = {}  # by the fingerprint of the store
_lock = threading.Lock()


def measure_job(store: PatchStore) -> MeasureJob | None:
    """The latest measuring of a store since the server started."""
    return _jobs.get(store.fingerprint)


def start_measuring(store: PatchStore) -> MeasureJob:
    """Start to measure a store, or join the measuring that is under way."""
    with _lock:
        job = _jobs.get(store.fingerprint)
        if job is None or job.state != "measuring":
            job = _jobs[store.fingerprint] = MeasureJob(len(store))
            threading.Thread(
                target=job._work, args=(store,), name=f"measure-{store.name}", daemon=True
            ).start()
        return job
