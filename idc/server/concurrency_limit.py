"""A limit on simultaneous requests: in total, and per caller.

A request over the limit is refused at once and should be retried later. Queueing it would cost
memory, because the server holds its body while it waits.
"""

import contextlib
import threading
from collections import Counter
from collections.abc import Iterator


class TooManyRequests(Exception):
    """All slots are in use.

    Attributes:
        by_caller: whether the caller's own requests use all of the caller's slots.
    """

    def __init__(self, by_caller: bool) -> None:
        super().__init__("too many requests at once")
        self.by_caller = by_caller


class ConcurrencyLimit:
    """Slots for requests. Thread-safe.

    Args:
        max_total, max_per_caller: limits on simultaneous requests.
    """

    def __init__(self, max_total: int, max_per_caller: int) -> None:
        self._max_total = max_total
        self._max_per_caller = max_per_caller
        self._in_use_by_caller: Counter[str] = Counter()
        self._lock = threading.Lock()

    def in_use(self) -> int:
        """Number of slots in use."""
        return self._in_use_by_caller.total()

    @contextlib.contextmanager
    def slot(self, caller: str) -> Iterator[None]:
        """Hold a slot for one request.

        Raises:
            TooManyRequests: no slot is free.
        """
        with self._lock:
            if self._in_use_by_caller[caller] >= self._max_per_caller:
                raise TooManyRequests(by_caller=True)
            if self._in_use_by_caller.total() >= self._max_total:
                raise TooManyRequests(by_caller=False)
            self._in_use_by_caller[caller] += 1
        try:
            yield
        finally:
            with self._lock:
                self._in_use_by_caller[caller] -= 1
                self._in_use_by_caller += Counter()  # drops callers without a slot
