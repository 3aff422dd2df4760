"""Stop requests of a download, which also end a blocking network call.

A read from a silent connection returns only at its timeout. `StopSignal.listen` therefore handles
signals in the main thread: a stop request raises `StopRequested` out of a call that is marked by
`StopSignal.blocking`, and the process ends. A later one resumes the transfer.
"""

import contextlib
import signal
import threading
import time
from collections.abc import Callable, Iterator
from types import FrameType

from idc.processes.thread_job import StopRequested

_POLL_INTERVAL_S = 0.1


class StopSignal:
    """A stop requested by a signal or by ``check``.

    Args:
        check: whether a stop was requested in another way; polled ten times a second.
    """

    def __init__(self, check: Callable[[], bool]) -> None:
        self._check = check
        self._received = self._blocking = False

    def requested(self) -> bool:
        """Whether a stop was requested."""
        return self._received or self._check()

    @contextlib.contextmanager
    def blocking(self) -> Iterator[None]:
        """Mark a blocking call; inside `listen`, a stop request interrupts it.

        Raises:
            StopRequested: a stop was requested.
        """
        self._blocking = True
        try:
            if self.requested():
                raise StopRequested
            yield
        finally:
            self._blocking = False

    def sleep(self, seconds: float) -> None:
        """Sleep.

        Raises:
            StopRequested: a stop was requested.
        """
        until = time.monotonic() + seconds
        while not self.requested():
            remaining_s = until - time.monotonic()
            if remaining_s <= 0:
                return
            time.sleep(min(remaining_s, _POLL_INTERVAL_S))
        raise StopRequested

    @contextlib.contextmanager
    def listen(self) -> Iterator[None]:
        """Handle SIGTERM and SIGINT, and poll ``check``. Only the main thread may call this.

        A second SIGTERM or SIGINT ends the process at once.
        """
        ended = threading.Event()
        handlers = {
            signal.SIGTERM: self._on_stop,
            signal.SIGINT: self._on_stop,
            signal.SIGUSR1: self._on_interrupt,
        }
        previous = {number: signal.signal(number, call) for number, call in handlers.items()}
        poller = threading.Thread(target=self._poll, args=(ended,), daemon=True)
        poller.start()
        try:
            yield
        finally:
            ended.set()
            poller.join()
            for number, handler in previous.items():
                signal.signal(number, handler)

    def _on_stop(self, number: int, frame: FrameType | None) -> None:
        self._received = True
        signal.signal(number, signal.SIG_DFL)
        self._on_interrupt(number, frame)

    def _on_interrupt(self, _number: int, _frame: FrameType | None) -> None:
        if self._blocking:
            self._blocking = False  # raise once
            raise StopRequested

    def _poll(self, ended: threading.Event) -> None:
        """Interrupt the main thread while it blocks although a stop was requested.

        Also covers a signal that arrives just before the blocking system call.
        """
        main_thread = threading.main_thread().ident
        assert main_thread is not None  # it runs
        while not ended.wait(_POLL_INTERVAL_S):
            if self._blocking and self.requested():
                signal.pthread_kill(main_thread, signal.SIGUSR1)
