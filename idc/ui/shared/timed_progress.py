"""A progress bar with the remaining time."""

import contextlib
import time
from collections.abc import Iterator

import streamlit as st

from idc.progress import ProgressCallback
from idc.wording import duration


@contextlib.contextmanager
def timed_progress(text: str) -> Iterator[ProgressCallback]:
    """Show a bar inside a ``with`` block, which receives a callback ``(done, total)``.

    Args:
        text: may contain ``{done:,}`` and ``{total:,}``.
    """
    bar, started_s = st.progress(0.0), time.monotonic()

    def advance(done: int, total: int) -> None:
        left_s = (time.monotonic() - started_s) / max(done, 1) * (total - done)
        label = text.format(done=done, total=total)
        bar.progress(done / max(total, 1), text=f"{label} {duration(left_s)} left")

    yield advance
    bar.empty()
