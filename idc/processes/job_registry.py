"""The background jobs of this server, by key: start or join, look up, list, forget."""

import threading
from collections.abc import Callable, Hashable
from typing import Generic, Protocol, TypeVar


class BackgroundJob(Protocol):
    """A job that a `JobRegistry` can hold."""

    @property
    def live(self) -> bool:
        """Whether the job is waiting or working."""


Key = TypeVar("Key", bound=Hashable)
Job = TypeVar("Job", bound=BackgroundJob)


class JobRegistry(Generic[Key, Job]):
    """The latest job of each key since the server started. Safe to use from several threads.

    Args:
        max_jobs: remove the oldest ended jobs beyond this number; None keeps all.
    """

    def __init__(self, max_jobs: int | None = None) -> None:
        self._max_jobs = max_jobs
        self._jobs: dict[Key, Job] = {}
        self._lock = threading.Lock()

    def start_or_join(self, key: Key, start: Callable[[], Job]) -> Job:
        """The live job of a key, or a new one.

        Args:
            start: creates and starts a job; called with the registry locked.
        """
        with self._lock:
            return self._live(key) or self._add(key, start)

    def start_alone(self, key: Key, start: Callable[[], Job]) -> Job | None:
        """As `start_or_join`, but None while a job of another key is live."""
        with self._lock:
            if job := self._live(key):
                return job
            if any(job.live for job in self._jobs.values()):
                return None
            return self._add(key, start)

    def get(self, key: Key) -> Job | None:
        """The latest job of a key, live or ended."""
        return self._jobs.get(key)

    def list_jobs(self) -> list[Job]:
        """The latest job of each key, the newest last."""
        with self._lock:
            return list(self._jobs.values())

    def forget_ended(self, key: Key) -> None:
        """Remove the job of a key, unless it is live."""
        with self._lock:
            if self._live(key) is None:
                self._jobs.pop(key, None)

    def clear(self) -> None:
        """Remove all jobs, live ones too; these continue unregistered."""
        with self._lock:
            self._jobs.clear()

    def _live(self, key: Key) -> Job | None:
        job = self._jobs.get(key)
        return job if job is not None and job.live else None

    def _add(self, key: Key, start: Callable[[], Job]) -> Job:
        job = start()
        self._jobs.pop(key, None)  # so that the new job is listed last
        self._jobs[key] = job
        if self._max_jobs is not None:
            ended = [key for key, job in self._jobs.items() if not job.live]
            for key in ended[: max(len(self._jobs) - self._max_jobs, 0)]:
                del self._jobs[key]
        return job
