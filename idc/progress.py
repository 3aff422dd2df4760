"""The callback of long work, called with (items done, items in total)."""

from collections.abc import Callable

ProgressCallback = Callable[[int, int], None]
