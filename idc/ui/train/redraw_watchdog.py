"""Restart the periodic redraw of a page when it stalls.

The browser requests each redraw of a ``run_every`` fragment. Under load these requests sometimes
stop for good, and the page then stays unchanged until the visitor reloads it.
"""

import time

import streamlit as st

from idc.ui.components.own_component import own_component

_STALL_TIMEOUT_S = (
    10.0  # longer than a redraw takes; the browser waits less if redraws are frequent
)

_view = own_component(__file__)


def keep_redrawing(key: str) -> None:
    """Rerun the whole page, which restarts the redraws, if the fragment was not redrawn."""
    missed = _view(
        key=key,
        data={"drawn": time.time(), "patience_s": _STALL_TIMEOUT_S},
        height=1,
        on_missed_change=lambda: None,
    ).missed
    if missed:
        st.rerun()
