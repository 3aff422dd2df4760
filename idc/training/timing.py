"""How long training has taken, how fast it is, and how long it will still take."""

import contextlib
import time
from collections.abc import Iterator


class Stopwatch:
    """Seconds of work: it runs from the start and stands still during pauses."""

    def __init__(self, seconds: float = 0.0) -> None:
        self._zero = time.monotonic() - seconds

    def seconds(self) -> float:
        """Since the start, pauses left out, on top of what it began with."""
        return time.monotonic() - self._zero

    @contextlib.contextmanager
    def paused(self) -> Iterator[None]:
        """A pause for the length of a ``with``."""
        began = time.monotonic()
        try:
            yield
        finally:
            self._zero += time.monotonic() - began


class SpeedMeter:
    """Speed within an epoch, and the time left.

    Args:
        watch: of the run.
        train: patches of the training part. ``validation``: of the validation part.
        batch_size: patches a step.
    """

    def __init__(
        self, stopwatch: Stopwatch, *, train: int, validation: int, batch_size: int
    ) -> None:
        self._stopwatch = stopwatch
        self._train, self._validation, self._batch_size = train, validation, batch_size
        self._reference: tuple[float, int] | None = None
        self.validation_s = 0.0  # what the latest scoring of the validation part took

    def reset(self) -> None:
        """A new stretch begins; its first step, which compiles, tells nothing about the others."""
        self._reference = None

    def speed(self, step: int) -> float | None:
        """Patches a second at a step, None at the first one of a stretch."""
        now = self._stopwatch.seconds()
        if self._reference is None:
            self._reference = (now, step)
        began, first = self._reference
        return (step - first) * self._batch_size / (now - began) if step > first else None

    def seconds_left(self, epochs_left: int, step: int, speed: float | None) -> float | None:
        """To the end of the last epoch, with ``step`` steps of the current one done."""
        if not speed:
            return None
        patches = epochs_left * self._train - step * self._batch_size
        validation_s = self.validation_s or self._validation / (3 * speed)
        return max(0.0, patches / speed) + epochs_left * validation_s
