"""Wait for a condition or a coroutine, in tests of threads and processes."""

import asyncio
import time
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any


def wait_until(condition: Callable[[], object], what: str, timeout_s: float = 120) -> None:
    """Poll a condition; the timeout only keeps broken code from hanging."""
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, f"timeout while waiting until {what}"
        time.sleep(0.005)


def run_in_thread(coroutine: Coroutine[Any, Any, Any]) -> Any:
    """Run a coroutine in a thread: after a browser test an event loop runs in the main thread."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, coroutine).result()
