"""Learning what a run's training patches look like, in the background of the server."""

import threading
from dataclasses import dataclass

from idc.errors import IdcError
from idc.familiar import Reference, learn
from idc.runs import Run


@dataclass
class FamiliarJob:
    """One such work and where it stands. Read by pages, written by its thread.

    Attributes:
        state: "looking", "done" or "failed".
        problem: why it failed, one sentence.
    """

    total: int
    done: int = 0
    state: str = "looking"
    problem: str = ""

    def _work(self, run: Run, reference: Reference) -> None:
        try:
            learn(run, reference, on_progress=self._advance)
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


def start_learning(run: Run, reference: Reference) -> FamiliarJob:
    """Start it, or join the work that is under way, or give the one that failed."""
    key = (run.best().get("sha256", ""), reference.store.fingerprint)
    with _lock:
        job = _jobs.get(key)
        if job is None or job.state == "done":  # done, and yet asked for: its file is gone
            job = _jobs[key] = FamiliarJob(len(reference.rows) + len(reference.held_out))
            threading.Thread(
                target=job._work, args=(run, reference), name=f"learn-{run.id}", daemon=True
            ).start()
        return job


def forget_failure(run: Run, reference: Reference) -> None:
    """Let the next `start_learning` try again."""
    with _lock:
        _jobs.pop((run.best().get("sha256", ""), reference.store.fingerprint), None)
