"""The threshold on screen: moved in the browser, told to Python once the hand rests, and in the
page's address."""

import math
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import streamlit as st

from idc.metrics.thresholds import Preset
from idc.ui.components.own_component import own_component
from idc.ui.shared import address

_PARAMETER = "threshold"

_view = own_component(__file__, "board", "words", "slider")


def threshold_slider(
    board: str, data: dict[str, Any], presets: Sequence[Preset], *, default: float, key: str
) -> float:
    """Show the slider and return the threshold at rest, [0, 1].

    Args:
        board: `idc.ui.evaluate.browser_predictions.board_name`. Another board begins at its own
        default.
        data: `idc.ui.evaluate.browser_predictions.board_data`.
        default: as long as neither the visitor nor the address says otherwise.
    """
    showing, first = _first(board, default, key)
    threshold = _moved(st.session_state.get(key, {}).get("moved"), board, showing)
    threshold = first if threshold is None else threshold
    _write_address(threshold, default)
    _view(
        key=key,
        # The first threshold and not the present one: what stays the same is not sent again.
        data={
            "board": board,
            "showing": showing,
            "threshold": first,
            "presets": [asdict(preset) for preset in presets],
            "note": _note(presets),
            **data,
        },
        default={"moved": None},
        on_moved_change=lambda: None,
    )
    return threshold


def _first(board: str, default: float, key: str) -> tuple[int, float]:
    """The number of this unbroken showing of a board, and where its slider began in it.

    That is the address's threshold, or the default. An address that was written for another run
    says nothing about this one.
    """
    memo = f"{key}-first"
    last_board, showing, first = st.session_state.get(memo, (None, 0, default))
    words, known = st.query_params.get(_PARAMETER, ""), address.latest(_PARAMETER)
    went_back = known not in (None, words) and not address.is_outdated(_PARAMETER, words)
    if last_board == board and key in st.session_state and not went_back:
        return showing, first
    in_address = _number(st.query_params.get(_PARAMETER))
    other_run = last_board not in (None, board) and not went_back
    first = default if in_address is None or other_run else in_address
    st.session_state[memo] = (board, showing + 1, first)
    return showing + 1, first


def _moved(moved: Any, board: str, showing: int) -> float | None:
    """What the browser says, believed only if it is a threshold of this board."""
    if not isinstance(moved, dict) or moved.get("board") != board:
        return None
    if moved.get("showing") != showing:  # from before an address brought another one
        return None
    return _number(moved.get("threshold"))


def _number(value: Any) -> float | None:
    try:
        number = float(value)
    except (TypeError, ValueError):
        return None
    return number if math.isfinite(number) and 0 <= number <= 1 else None


def _write_address(threshold: float, default: float) -> None:
    words = "" if threshold == default else repr(threshold)
    address.remember(_PARAMETER, words)
    if words:
        if st.query_params.get(_PARAMETER) != words:
            st.query_params[_PARAMETER] = words
    elif _PARAMETER in st.query_params:
        del st.query_params[_PARAMETER]


def _note(presets: Sequence[Preset]) -> str:
    if len(presets) == 1:
        return "No validation predictions to choose a threshold on; test patches never choose one."
    return "Named thresholds were chosen on validation patches; test patches never choose one."
