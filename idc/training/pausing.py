"""A paused trainer: it keeps the network ready for whoever goes on, but not for ever."""

import time
from collections.abc import Callable

from idc.runs import control
from idc.runs.device_queue import has_waiting_run

_MAX_PAUSE_S = 600.0  # so long the network stays in memory
_POLL_INTERVAL_S = 0.1


class ExitWhilePaused(Exception):
    """A paused trainer makes room. Its state is on the disk."""


def wait_while_paused(requests: control.Requests, should_stop: Callable[[], bool]) -> str:
    """Wait for what to do next.

    Returns:
        the request that ends the pause.

    Raises:
        LeftPaused: another run needs the device, nobody came for a long time, or the process is
            told to end.
    """
    ready_until = time.monotonic() + _MAX_PAUSE_S
    while (request := requests.poll()) in ("", control.PAUSE):
        if should_stop() or has_waiting_run() or time.monotonic() > ready_until:
            raise ExitWhilePaused
        time.sleep(_POLL_INTERVAL_S)
    return request
