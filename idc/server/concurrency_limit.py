"""How many may be served and wait at once: all together, and of one caller.

Whoever comes on top is sent away at once and comes back later. Waiting costs the server memory,
for what a caller has sent is held meanwhile.
"""

import contextlib
import threading
from collections import Counter
from collections.abc import Iterator


class TooManyRequests(Exception):
    """There is no place now.

    Attributes:
        by_caller: whether the caller's own requests fill the caller's places.
    """

    def __init__(self, by_caller: bool) -> None:
        super().__init__("too many requests at once")
        self.by_caller = by_caller


class ConcurrencyLimit:
    """Places for requests.

    Args:
        most, most_of_one: the most at once.
    """

    def __init__(self, most: int, max_per_caller: int) -> None:
        self._most = most
        self._max_per_caller = max_per_caller
        self._in_use_by_caller: Counter[str] = Counter()
        self._lock = threading.Lock()

    def present(self) -> int:
        """How many have a place now."""
        return self._in_use_by_caller.total()

    @contextlib.contextmanager
    def place(self, caller: str) -> Iterator[None]:
        """A place for one request.

        Raises:
            Crowded: there is none.
        """
        with self._lock:
            if self._in_use_by_caller[caller] >= self._max_per_caller:
                raise TooManyRequests(by_caller=True)
            if self._in_use_by_caller.total() >= self._most:
                raise TooManyRequests(by_caller=False)
            self._in_use_by_caller[caller] += 1
        try:
            yield
        finally:
            with self._lock:
                self._in_use_by_caller[caller] -= 1
                self._in_use_by_caller += Counter()  # forgets callers without a place
