"""Wait for a condition, in tests of threads and processes."""

import time
from collections.abc import Callable


def wait_until(condition: Callable[[], object], what: str, timeout_s: float = 120) -> None:
    """Poll a condition; the timeout only keeps broken code from hanging."""
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, f"timeout while waiting until {what}"
        time.sleep(0.005)
