"""Places that are given out in the order of asking.

`threading.Lock` and `Semaphore` give a place to whoever happens to run when it gets free, most
often to the thread that has just left it. A visitor with one patch could wait behind a zip of ten
thousand for as long as that lasts. Here the zip's next batch waits behind the visitor.
"""

import threading
from collections import deque
from types import TracebackType


class NoTurn(Exception):
    """Nobody ahead has finished in time."""


class Turns:
    """Used as ``with turns:``; whoever asks first is served first.

    Args:
        places: how many are served at once.
        patience_s: who has waited for so long gives up; None waits for ever.
    """

    def __init__(self, places: int = 1, *, patience_s: float | None = None) -> None:
        self._free = places
        self.patience_s = patience_s
        self._waiting: deque[threading.Event] = deque()
        self._guard = threading.Lock()

    def waiting(self) -> int:
        """How many wait now."""
        return len(self._waiting)

    def __enter__(self) -> None:
        """Wait for a place.

        Raises:
            NoTurn: none got free within the patience.
        """
        with self._guard:
            if self._free:
                self._free -= 1
                return
            turn = threading.Event()
            self._waiting.append(turn)
        try:
            served = turn.wait(self.patience_s)
        except BaseException:
            self._leave(turn)
            raise
        if not served:
            self._leave(turn)
            raise NoTurn

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with self._guard:
            self._pass_on()

    def _leave(self, turn: threading.Event) -> None:
        """Stop waiting; a place that was given just now goes to the next one."""
        with self._guard:
            if turn.is_set():
                self._pass_on()
            else:
                self._waiting.remove(turn)

    def _pass_on(self) -> None:
        if self._waiting:
            self._waiting.popleft().set()
        else:
            self._free += 1
