"""The address in the browser, told from one that this session has replaced already.

Each run of the script is sent the address that the browser showed when it asked. Where somebody
acts again before the answer to their last action has arrived, that is an address of before, and
whoever believed it would undo that last action. What is written there is noted here first: the
writing is one of the places where Streamlit ends a run of the script for the next one.
"""

from collections.abc import Hashable
from typing import Any

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

_PAGE, _VISIT = "address-page", "address-visit"
_LONGEST_TRAIL = 30  # addresses; nobody is that many actions ahead of the answers


def arrive(page: str) -> None:
    """Begin anew if the visitor has come from another page; called first in each run."""
    if page != st.session_state.get(_PAGE):
        st.session_state[_PAGE] = page
        st.session_state[_VISIT] = _visit() + 1


def is_outdated(part: str, words: Hashable) -> bool:
    """Whether the address says what this session has replaced since the visitor came to the page.

    Going back in the browser brings an earlier address too, but is meant.

    Args:
        part: a name for the part of the address that is asked about.
        words: what it says.
    """
    trail = _trail(part)
    return words in trail[:-1] and words != trail[-1] and not _goes_through_history()


def latest(part: str) -> Any:
    """What the address was last known to say; None if nothing is known."""
    trail = _trail(part)
    return trail[-1] if trail else None


def remember(part: str, words: Hashable) -> None:
    """Note what the address says from now on, be it read there or written there."""
    trail = _trail(part)
    if not trail or trail[-1] != words:
        st.session_state[_key(part)] = (_visit(), (*trail, words)[-_LONGEST_TRAIL:])


def expect(part: str, words: Hashable) -> None:
    """Let the address be believed at the next run, also if it said the same once before."""
    visit, trail = st.session_state.get(_key(part), (None, ()))
    st.session_state[_key(part)] = (visit, tuple(entry for entry in trail if entry != words))


def _trail(part: str) -> tuple[Hashable, ...]:
    visit, trail = st.session_state.get(_key(part), (None, ()))
    return trail if visit == _visit() else ()


def _key(part: str) -> str:
    return f"{part}-address-trail"


def _visit() -> int:
    return int(st.session_state.get(_VISIT, 0))


def _goes_through_history() -> bool:
    context = get_script_run_ctx()
    return context is not None and context.is_history_navigation
