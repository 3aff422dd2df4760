"""Keeps a page that redraws itself alive.

The browser asks for each redraw of a ``run_every`` fragment. Under load that beat was now and then
seen to be lost for good: the page then stands still until somebody reloads it.
"""

import time

import streamlit as st

from idc.ui.components.own_component import own_component

_STALL_TIMEOUT_S = 10.0  # longer than a redraw takes; where they come often, less is waited

_view = own_component(__file__)


def keep_redrawing(key: str) -> None:
    """Draw the whole page anew, which begins the beat again, if the fragment was not redrawn."""
    missed = _view(
        key=key,
        data={"drawn": time.time(), "patience_s": _STALL_TIMEOUT_S},
        height=1,
        on_missed_change=lambda: None,
    ).missed
    if missed:
        st.rerun()
