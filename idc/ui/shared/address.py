"""Detect query parameters that this session has already replaced.

Each script run receives the address that the browser showed when it sent the request. If the
visitor acts again before the response to the previous action arrives, that address is outdated, and
applying it would undo the previous action. Each page therefore records here what it reads from and
writes to the address. It records before it writes, because Streamlit may end a script run at the
write.
"""

from collections.abc import Hashable
from typing import Any

import streamlit as st

from idc.server.streamlit_internals import is_history_navigation

_PAGE, _VISIT = "address-page", "address-visit"
_MAX_TRAIL = 30  # values; no visitor is that many actions ahead of the responses


def start_visit(page: str) -> None:
    """Discard the recorded values when the page changes. Call it first in each script run."""
    if page != st.session_state.get(_PAGE):
        st.session_state[_PAGE] = page
        st.session_state[_VISIT] = _visit() + 1


def is_outdated(name: str, value: Hashable) -> bool:
    """Whether this session has replaced a value of the address since the page was opened.

    False after the browser's Back button: an earlier address is intended then.

    Args:
        name: names the part of the address.
        value: the value that this part has in the current request.
    """
    trail = _trail(name)
    return value in trail[:-1] and value != trail[-1] and not is_history_navigation()


def latest(name: str) -> Any:
    """The last recorded value; None if there is none."""
    trail = _trail(name)
    return trail[-1] if trail else None


def remember(name: str, value: Hashable) -> None:
    """Record the value that was read from the address or is about to be written to it."""
    trail = _trail(name)
    if not trail or trail[-1] != value:
        st.session_state[_key(name)] = (_visit(), (*trail, value)[-_MAX_TRAIL:])


def accept_again(name: str, value: Hashable) -> None:
    """Accept this value in the next script run even if it was replaced before."""
    visit, trail = st.session_state.get(_key(name), (None, ()))
    st.session_state[_key(name)] = (visit, tuple(entry for entry in trail if entry != value))


def _trail(name: str) -> tuple[Hashable, ...]:
    visit, trail = st.session_state.get(_key(name), (None, ()))
    return trail if visit == _visit() else ()


def _key(name: str) -> str:
    return f"{name}-address-trail"


def _visit() -> int:
    return int(st.session_state.get(_VISIT, 0))
