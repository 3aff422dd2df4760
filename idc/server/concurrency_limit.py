"""How many may be served and wait at once: all together, and of one caller.

Whoever comes on top is sent away at once and comes back later. Waiting costs the server memory,
for what a caller has sent is held meanwhile.
"""

import contextlib
import threading
from collections import Counter
from collections.abc import Iterator


class Crowded(Exception):
    """There is no place now.

    Attributes:
        by_caller: whether the caller's own requests fill the caller's places.
    """

    def __init__(self, by_caller: bool) -> None:
        super().__init__("too many requests at once")
        self.by_caller = by_caller


class Crowd:
    """Places for requests.

    Args:
        most, most_of_one: the most at once.
    """

    def __init__(self, most: int, most_of_one: int) -> None:
        self._most = most
        self._most_of_one = most_of_one
        self._present: Counter[str] = Counter()
        self._guard = threading.Lock()

    def present(self) -> int:
        """How many have a place now."""
        return self._present.total()

    @contextlib.contextmanager
    def place(self, caller: str) -> Iterator[None]:
        """A place for one request.

        Raises:
            Crowded: there is none.
        """
        with self._guard:
            if self._present[caller] >= self._most_of_one:
                raise Crowded(by_caller=True)
            if self._present.total() >= self._most:
                raise Crowded(by_caller=False)
            self._present[caller] += 1
        try:
            yield
        finally:
            with self._guard:
                self._present[caller] -= 1
                self._present += Counter()  # forgets callers without a place
