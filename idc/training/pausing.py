"""A paused trainer: it keeps the network ready for whoever goes on, but not for ever."""

import time
from collections.abc import Callable

from idc.runs import control
from idc.runs.device_queue import somebody_waits

_READY_S = 600.0  # so long the network stays in memory
_LOOK_EVERY_S = 0.1


class LeftPaused(Exception):
    """A paused trainer makes room. Its state is on the disk."""


def wait_while_paused(requests: control.Requests, stop_asked: Callable[[], bool]) -> str:
    """Wait for what to do next.

    Returns:
        the request that ends the pause.

    Raises:
        LeftPaused: another run needs the device, nobody came for a long time, or the process is
            told to end.
    """
    ready_until = time.monotonic() + _READY_S
    while (request := requests.new()) in ("", control.PAUSE):
        if stop_asked() or somebody_waits() or time.monotonic() > ready_until:
            raise LeftPaused
        time.sleep(_LOOK_EVERY_S)
    return request
