"""Places that are given out in the order of asking.

`threading.Lock` and `Semaphore` give a place to whoever happens to run when it gets free, most
often to the thread that has just left it. A visitor with one patch could wait behind a zip of ten
thousand for as long as that lasts. Here the zip's next batch waits behind the visitor.
"""

import threading
from collections import deque
from types import TracebackType


class AcquireTimeout(Exception):
    """Nobody ahead has finished in time."""


class FairSemaphore:
    """Used as ``with turns:``; whoever asks first is served first.

    Args:
        places: how many are served at once.
        patience_s: who has waited for so long gives up; None waits for ever.
    """

    def __init__(self, permits: int = 1, *, acquire_timeout_s: float | None = None) -> None:
        self._free_permits = permits
        self.acquire_timeout_s = acquire_timeout_s
        self._waiting: deque[threading.Event] = deque()
        self._lock = threading.Lock()

    def waiting(self) -> int:
        """How many wait now."""
        return len(self._waiting)

    def __enter__(self) -> None:
        """Wait for a place.

        Raises:
            NoTurn: none got free within the patience.
        """
        with self._lock:
            if self._free_permits:
                self._free_permits -= 1
                return
            waiter = threading.Event()
            self._waiting.append(waiter)
        try:
            served = waiter.wait(self.acquire_timeout_s)
        except BaseException:
            self._cancel_wait(waiter)
            raise
        if not served:
            self._cancel_wait(waiter)
            raise AcquireTimeout

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with self._lock:
            self._release_place()

    def _cancel_wait(self, waiter: threading.Event) -> None:
        """Stop waiting; a place that was given just now goes to the next one."""
        with self._lock:
            if waiter.is_set():
                self._release_place()
            else:
                self._waiting.remove(waiter)

    def _release_place(self) -> None:
        if self._waiting:
            self._waiting.popleft().set()
        else:
            self._free_permits += 1
