"""A semaphore that serves its waiting threads in first-in, first-out order.

`threading.Lock` and `Semaphore` are not fair: the thread that has just released one often acquires
it again at once. A visitor with one patch could wait for the whole of a zip of ten thousand; here
the zip's next batch waits behind the visitor.
"""

import threading
from collections import deque
from types import TracebackType


class AcquireTimeout(Exception):
    """No permit became free in time."""


class FairSemaphore:
    """Used as ``with semaphore:``; served in the order of arrival.

    Args:
        permits: how many threads hold it at once.
        acquire_timeout_s: the longest wait; None waits for ever.
    """

    def __init__(self, permits: int = 1, *, acquire_timeout_s: float | None = None) -> None:
        self._free_permits = permits
        self.acquire_timeout_s = acquire_timeout_s
        self._waiting: deque[threading.Event] = deque()
        self._lock = threading.Lock()

    def waiting_count(self) -> int:
        """How many threads wait now."""
        return len(self._waiting)

    def __enter__(self) -> None:
        """Wait for a permit.

        Raises:
            AcquireTimeout: none became free within ``acquire_timeout_s``.
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
            self._release_permit()

    def _cancel_wait(self, waiter: threading.Event) -> None:
        """Stop waiting; a permit granted just now goes to the next thread."""
        with self._lock:
            if waiter.is_set():
                self._release_permit()
            else:
                self._waiting.remove(waiter)

    def _release_permit(self) -> None:
        if self._waiting:
            self._waiting.popleft().set()
        else:
            self._free_permits += 1
