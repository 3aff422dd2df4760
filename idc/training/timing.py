"""Seconds of work, training speed and the time left."""

import contextlib
import time
from collections.abc import Iterator


class Stopwatch:
    """Seconds of work: runs from its creation, and stands still during pauses.

    Args:
        seconds: initial value.
    """

    def __init__(self, seconds: float = 0.0) -> None:
        self._zero = time.monotonic() - seconds

    def seconds(self) -> float:
        """The current value."""
        return time.monotonic() - self._zero

    @contextlib.contextmanager
    def paused(self) -> Iterator[None]:
        """Stand still within a ``with``."""
        began = time.monotonic()
        try:
            yield
        finally:
            self._zero += time.monotonic() - began


class SpeedMeter:
    """Speed within an epoch, and the time left.

    Attributes:
        validation_s: duration of the latest validation; 0 before the first.

    Args:
        train: number of training patches. ``validation``: of validation patches.
        batch_size: patches per step.
    """

    def __init__(
        self, stopwatch: Stopwatch, *, train: int, validation: int, batch_size: int
    ) -> None:
        self._stopwatch = stopwatch
        self._train, self._validation, self._batch_size = train, validation, batch_size
        self._reference: tuple[float, int] | None = None
        self.validation_s = 0.0

    def reset(self) -> None:
        """Begin a measurement at the next step; that step may compile and is not counted."""
        self._reference = None

    def speed(self, step: int) -> float | None:
        """Patches per second since the first step after `reset`; None at that step."""
        now = self._stopwatch.seconds()
        if self._reference is None:
            self._reference = (now, step)
        began, first = self._reference
        return (step - first) * self._batch_size / (now - began) if step > first else None

    def seconds_left(self, epochs_left: int, step: int, speed: float | None) -> float | None:
        """Estimated seconds to the end of the last epoch; None where the speed is not known.

        Args:
            epochs_left: including the current one, of which ``step`` steps are done.
        """
        if not speed:
            return None
        patches = epochs_left * self._train - step * self._batch_size
        validation_s = self.validation_s or self._validation / (3 * speed)
        return max(0.0, patches / speed) + epochs_left * validation_s
