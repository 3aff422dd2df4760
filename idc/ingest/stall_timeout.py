"""Waiting for a network that may fall silent: limits, and an iterator that notices silence.

A blocking read cannot be interrupted, and the libraries' own time limits leave the connection
unusable. So the reading happens in a thread, and whoever waits for it looks up several times a
second: to see that it has been silent for too long, or that somebody wants to stop.
"""

import contextlib
import queue
import threading
import time
from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import Any, TypeVar

from idc.processes.thread_job import StopRequested

T = TypeVar("T")

_POLL_INTERVAL_S = 0.1
_MAX_QUEUED_BLOCKS = 4  # blocks that may wait for a slow disk


class Stalled(Exception):
    """Nothing came for too long."""


@dataclass(frozen=True)
class RetryPolicy:
    """How long to bear with a bad connection.

    Attributes:
        stall_s: silence, before or during an answer, after which the connection is given up.
        tries: attempts in a row that bring nothing new, before the download ends with an error.
        backoff_s: pause after the first such attempt; doubled after each further one...
        backoff_most_s: ... up to this.
        retry_after_most_s: the longest pause that a server may ask for.
    """

    stall_s: float = 30.0
    tries: int = 20
    backoff_s: float = 1.0
    backoff_most_s: float = 60.0
    retry_after_most_s: float = 300.0

    def pause_s(self, attempt: int, asked_s: float | None = None) -> float:
        """Seconds to wait after the fruitless attempt number ``attempt`` (from 1)."""
        if asked_s is not None:
            return min(asked_s, self.retry_after_most_s)
        return min(self.backoff_s * 2.0 ** min(attempt - 1, 30), self.backoff_most_s)


def iterate_with_timeout(
    blocks: Callable[[], Generator[T, None, None]], stall_s: float, stopped: Callable[[], bool]
) -> Generator[T, None, None]:
    """Iterate over ``blocks()``, which runs in a thread of its own.

    A thread that hangs in a read is left behind; its generator is closed as soon as it returns.

    Raises:
        Stalled: nothing came for ``stall_s``.
        Stopped: ``stopped()`` became true.
        Whatever ``blocks()`` raises.
    """
    arrivals: queue.Queue[tuple[str, Any]] = queue.Queue(_MAX_QUEUED_BLOCKS)
    abandoned = threading.Event()

    def put_until_abandoned(kind: str, value: Any = None) -> bool:
        while not abandoned.is_set():
            try:
                arrivals.put((kind, value), timeout=_POLL_INTERVAL_S)
                return True
            except queue.Full:
                continue
        return False

    def read() -> None:
        try:
            with contextlib.closing(blocks()) as source:
                for block in source:
                    if not put_until_abandoned("block", block):
                        return
            put_until_abandoned("end")
        except Exception as error:  # noqa: BLE001  raised again where it is waited for
            put_until_abandoned("error", error)

    threading.Thread(target=read, daemon=True).start()
    try:
        while True:
            kind, value = _next_arrival(arrivals, stall_s, stopped)
            if kind == "end":
                return
            if kind == "error":
                raise value
            yield value
    finally:
        abandoned.set()


def wait(seconds: float, stopped: Callable[[], bool]) -> None:
    """Sleep.

    Raises:
        Stopped: ``stopped()`` became true meanwhile.
    """
    until = time.monotonic() + seconds
    while not stopped():
        left_s = until - time.monotonic()
        if left_s <= 0:
            return
        time.sleep(min(left_s, _POLL_INTERVAL_S))
    raise StopRequested


def _next_arrival(
    arrivals: queue.Queue[tuple[str, Any]], stall_s: float, stopped: Callable[[], bool]
) -> tuple[str, Any]:
    until = time.monotonic() + stall_s
    while not stopped():
        try:
            return arrivals.get(timeout=_POLL_INTERVAL_S)
        except queue.Empty:
            if time.monotonic() >= until:
                raise Stalled from None
    raise StopRequested
