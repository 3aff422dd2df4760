"""Waiting on a condition, for tests of threads."""

import time
from collections.abc import Callable


def wait_until(condition: Callable[[], object], what: str, most_s: float = 120) -> None:
    """Poll a condition; the limit only keeps broken code from hanging."""
    deadline = time.monotonic() + most_s
    while not condition():
        assert time.monotonic() < deadline, f"waited in vain until {what}"
        time.sleep(0.005)
