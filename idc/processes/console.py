"""Output of shell commands on standard error: one progress line, and errors."""

import contextlib
import sys
import time
from collections.abc import Iterator

from idc.processes.time_left import time_left_s
from idc.wording import duration


class ProgressLine:
    """A line that is rewritten in place on a terminal; silent elsewhere."""

    def __init__(self) -> None:
        self._terminal = sys.stderr.isatty()
        self._began = time.monotonic()
        self._width = 0

    def show(
        self, share: float, text: str, left_s: float | None = None, *, estimate: bool = True
    ) -> None:
        """Draw the line. ``share`` lies in [0, 1].

        The time left is estimated unless it is given or ``estimate`` is False.
        """
        if not self._terminal:
            return
        share = min(max(share, 0.0), 1.0)
        if estimate and left_s is None and share > 0.02:
            left_s = time_left_s(time.monotonic() - self._began, share, 1 - share)
        left = f", {duration(left_s)} left" if left_s is not None else ""
        bar = "#" * round(share * 24)
        line = f"[{bar:<24}] {share:4.0%} {text}{left}"
        print("\r" + line.ljust(self._width), end="", file=sys.stderr, flush=True)
        self._width = len(line)

    def count(self, done: int, total: int) -> None:
        """Draw "done of total"."""
        self.show(done / max(total, 1), f"{done:,} of {total:,}")

    def close(self) -> None:
        """End the line with a newline."""
        if self._terminal and self._width:
            print(file=sys.stderr)


@contextlib.contextmanager
def progress_line() -> Iterator[ProgressLine]:
    """A progress line that ends with the ``with`` block."""
    line = ProgressLine()
    try:
        yield line
    finally:
        line.close()


def print_error(error: Exception) -> int:
    """Print an error's message to standard error. Returns the exit code."""
    print(f"idc: {error}", file=sys.stderr)
    return 2
