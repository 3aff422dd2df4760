"""The address in the browser, told from one that this session has replaced already.

Each run of the script is sent the address that the browser showed when it asked. Where somebody
acts again before the answer to their last action has arrived, that is an address of before, and
whoever believed it would undo that last action. What is written there is noted here first: the
writing is one of the places where Streamlit ends a run of the script for the next one.
"""

from collections.abc import Hashable
from typing import Any

import streamlit as st

from idc.server.streamlit_internals import is_history_navigation

_PAGE, _VISIT = "address-page", "address-visit"
_MAX_TRAIL = 30  # addresses; nobody is that many actions ahead of the answers


def start_visit(page: str) -> None:
    """Begin anew if the visitor has come from another page; called first in each run."""
    if page != st.session_state.get(_PAGE):
        st.session_state[_PAGE] = page
        st.session_state[_VISIT] = _visit() + 1


def is_outdated(name: str, value: Hashable) -> bool:
    """Whether the address says what this session has replaced since the visitor came to the page.

    Going back in the browser brings an earlier address too, but is meant.

    Args:
        name: the name of the part of the address.
        value: the value of that part in the present URL.
    """
    trail = _trail(name)
    return value in trail[:-1] and value != trail[-1] and not is_history_navigation()


def latest(name: str) -> Any:
    """What the address was last known to say; None if nothing is known."""
    trail = _trail(name)
    return trail[-1] if trail else None


def remember(name: str, value: Hashable) -> None:
    """Note what the address says from now on, be it read there or written there."""
    trail = _trail(name)
    if not trail or trail[-1] != value:
        st.session_state[_key(name)] = (_visit(), (*trail, value)[-_MAX_TRAIL:])


def accept_again(name: str, value: Hashable) -> None:
    """Let the address be believed at the next run, also if it said the same once before."""
    visit, trail = st.session_state.get(_key(name), (None, ()))
    st.session_state[_key(name)] = (visit, tuple(entry for entry in trail if entry != value))


def _trail(name: str) -> tuple[Hashable, ...]:
    visit, trail = st.session_state.get(_key(name), (None, ()))
    return trail if visit == _visit() else ()


def _key(name: str) -> str:
    return f"{name}-address-trail"


def _visit() -> int:
    return int(st.session_state.get(_VISIT, 0))
