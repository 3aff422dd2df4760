"""A progress bar that says how much time is left."""

import contextlib
import time
from collections.abc import Callable, Iterator

import streamlit as st

from idc.wording import duration


@contextlib.contextmanager
def timed_progress(text: str) -> Iterator[Callable[[int, int], None]]:
    """A bar for the length of a ``with``; call what it gives with (done, total).

    Args:
        text: may hold ``{done:,}`` and ``{total:,}``.
    """
    bar, began = st.progress(0.0), time.monotonic()

    def advance(done: int, total: int) -> None:
        left = (time.monotonic() - began) / max(done, 1) * (total - done)
        words = text.format(done=done, total=total)
        bar.progress(done / max(total, 1), text=f"{words} {duration(left)} left")

    yield advance
    bar.empty()
