"""Learning what a run's training patches look like, in the background of the server."""

import threading
from dataclasses import dataclass, field

from idc.errors import IdcError
from idc.familiar import learn, reference_of
from idc.runs import Run
from idc.store import PatchStore


@dataclass
class FamiliarJob:
    """One such work and where it stands. Read by pages, written by its thread.

    Attributes:
        state: "looking", "done" or "failed".
        done, total: patches; the total is 0 until it is known.
        problem: why it failed, one sentence.
        thread: that does it.
    """

    state: str = "looking"
    done: int = 0
    total: int = 0
    problem: str = ""
    thread: threading.Thread = field(default_factory=threading.Thread)

    def _work(self, run: Run, store: PatchStore) -> None:
        try:
            learn(run, reference_of(run, store), on_progress=self._advance)
            self.state = "done"
        except IdcError as error:
            self.state, self.problem = "failed", str(error)
        except Exception as error:
            # A thread's error reaches nobody else, and the page must not wait for ever.
            self.state = "failed"
            self.problem = f"Looking at the training patches broke off: {type(error).__name__}."
            raise

    def _advance(self, done: int, total: int) -> None:
        self.done, self.total = done, total


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
            job.thread = threading.Thread(
                target=job._work, args=(run, store), name=f"learn-{run.id}", daemon=True
            )
            job.thread.start()
        return job


def forget_failure(run: Run, store: PatchStore) -> None:
    """Let the next `start_learning` try again."""
    with _lock:
        _jobs.pop(_key(run, store), None)


def _key(run: Run, store: PatchStore) -> tuple[str, str]:
    return run.best().get("sha256", ""), store.fingerprint
