"""Background work in a thread of the server: its progress, its end, and the request to stop it."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from idc.errors import IdcError
from idc.processes.time_left import time_left_s


class StopRequested(Exception):
    """The work was stopped on request."""


@dataclass(kw_only=True)
class ThreadJob:
    """One job and its progress. Read by pages, written by its thread.

    Attributes:
        title: the subject of the sentence about its failure: "Measuring" (broke off: ...).
        state: what it does, one word; at the end "done", "failed" or "stopped".
        done, total: units of work in this state; the total is 0 until it is known.
        problem: why it failed, one sentence.
        began: when the state began, seconds of `time.monotonic`.
    """

    title: str
    state: str
    done: int = 0
    total: int = 0
    problem: str = ""
    began: float = field(default_factory=time.monotonic)
    _stop: threading.Event = field(default_factory=threading.Event)

    @property
    def live(self) -> bool:
        """Whether it waits or works."""
        return self.state not in ("done", "failed", "stopped")

    def stop(self) -> None:
        """Request the end at the next step; no partial result is kept."""
        self._stop.set()

    def left_s(self) -> float | None:
        """Estimated seconds to the end; None before the first step."""
        return time_left_s(time.monotonic() - self.began, self.done, self.total - self.done)

    def start(self, function: Callable[[], object], name: str) -> threading.Thread:
        """Run a function in a thread of this name.

        Args:
            function: an error that it raises becomes the job's problem.
        """
        thread = threading.Thread(target=self.run, args=(function,), name=name, daemon=True)
        thread.start()
        return thread

    def run(self, function: Callable[[], object]) -> None:
        """Run a function in this thread and record how it ends."""
        try:
            function()
            self.state = "done"
        except StopRequested:
            self.state = "stopped"
        except IdcError as error:
            self.problem, self.state = str(error), "failed"
        except Exception as error:
            # Pages see a thread's error only here; without it they would wait for ever.
            self.problem, self.state = f"{self.title} broke off: {type(error).__name__}.", "failed"
            raise

    def advance(self, done: int, total: int) -> None:
        """Record the progress.

        Raises:
            StopRequested: a stop was requested.
        """
        self.done, self.total = done, total
        self.check_stop()

    def check_stop(self) -> None:
        """Raise `StopRequested` if a stop was requested."""
        if self._stop.is_set():
            raise StopRequested
