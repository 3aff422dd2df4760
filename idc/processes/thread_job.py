"""Work in a thread of the server, so that no visitor waits for it: where it stands, and its end."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from idc.errors import IdcError


class StopRequested(Exception):
    """Somebody asked for it."""


@dataclass(kw_only=True)
class ThreadJob:
    """One work and where it stands. Read by pages, written by its thread.

    Attributes:
        work: what it is, as a sentence begins with it.
        state: what it does, in a word; then "done", "failed" or "stopped".
        done, total: of what the state does; the total is 0 until it is known.
        problem: why it failed, one sentence.
        began: when the state began, in seconds of `time.monotonic`.
    """

    work: str
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
        """End at the next step; nothing half-made is left."""
        self._stop.set()

    def left_s(self) -> float | None:
        """Estimated seconds to the end; None before the first step."""
        if not self.done:
            return None
        return (time.monotonic() - self.began) / self.done * (self.total - self.done)

    def start(self, function: Callable[[], object], name: str) -> threading.Thread:
        """Begin, in a thread of this name.

        Args:
            function: ends by returning, or by an error, which becomes the job's problem.
        """
        thread = threading.Thread(target=self.run, args=(function,), name=name, daemon=True)
        thread.start()
        return thread

    def run(self, function: Callable[[], object]) -> None:
        """Work here and now, as `start` does in its thread."""
        try:
            function()
            self.state = "done"
        except StopRequested:
            self.state = "stopped"
        except IdcError as error:
            self.state, self.problem = "failed", str(error)
        except Exception as error:
            # A thread's error reaches nobody else, and the page must not wait for ever.
            self.state, self.problem = "failed", f"{self.work} broke off: {type(error).__name__}."
            raise

    def advance(self, done: int, total: int) -> None:
        """Note how far it is.

        Raises:
            Stopped: somebody asked for a stop.
        """
        self.done, self.total = done, total
        self.check()

    def check(self) -> None:
        """Raise Stopped if somebody asked for a stop."""
        if self._stop.is_set():
            raise StopRequested
