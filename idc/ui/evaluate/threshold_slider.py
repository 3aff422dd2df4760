"""The threshold slider: moved in the browser, sent to Python at rest, and kept in the URL."""

import math
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import streamlit as st

from idc.metrics.thresholds import ThresholdPreset
from idc.ui.components.own_component import own_component
from idc.ui.shared import address

_PARAMETER = "threshold"

_view = own_component(__file__, "slider")


def threshold_slider(
    predictions_id: str,
    data: dict[str, Any],
    presets: Sequence[ThresholdPreset],
    *,
    default: float,
    key: str,
) -> float:
    """Show the slider and return the threshold at rest, [0, 1].

    Args:
        predictions_id: `idc.ui.evaluate.browser_predictions.predictions_id`. Other
            predictions start at their own default.
        data: `idc.ui.evaluate.browser_predictions.predictions_payload`.
        default: used until the visitor or the URL sets another threshold.
    """
    display_id, initial = _initial_threshold(predictions_id, default, key)
    threshold = _moved_threshold(
        st.session_state.get(key, {}).get("moved"), predictions_id, display_id
    )
    threshold = initial if threshold is None else threshold
    _write_address(threshold, default)
    _view(
        key=key,
        # The initial threshold, not the current one, so that a move resends no data.
        data={
            "predictions_id": predictions_id,
            "showing": display_id,
            "threshold": initial,
            "presets": [asdict(preset) for preset in presets],
            "note": _note(presets),
            **data,
        },
        default={"moved": None},
        on_moved_change=lambda: None,
    )
    return threshold


def _initial_threshold(predictions_id: str, default: float, key: str) -> tuple[int, float]:
    """The id of this display of the slider and its initial threshold.

    The initial threshold is that of the URL, else the default. A threshold in the URL that was
    written for another run is ignored.
    """
    state_key = f"{key}-first"
    last_predictions, display_id, initial = st.session_state.get(state_key, (None, 0, default))
    in_url, latest = st.query_params.get(_PARAMETER, ""), address.latest(_PARAMETER)
    went_back = latest not in (None, in_url) and not address.is_outdated(_PARAMETER, in_url)
    if last_predictions == predictions_id and key in st.session_state and not went_back:
        return display_id, initial
    linked = _parse_threshold(in_url)
    other_run = last_predictions not in (None, predictions_id) and not went_back
    initial = default if linked is None or other_run else linked
    st.session_state[state_key] = (predictions_id, display_id + 1, initial)
    return display_id + 1, initial


def _moved_threshold(moved: Any, predictions_id: str, display_id: int) -> float | None:
    """The threshold that the browser reports, if it is valid and belongs to this display."""
    if not isinstance(moved, dict) or moved.get("predictions_id") != predictions_id:
        return None
    if moved.get("showing") != display_id:  # sent before the URL set another threshold
        return None
    return _parse_threshold(moved.get("threshold"))


def _parse_threshold(value: Any) -> float | None:
    try:
        number = float(value)
    except (TypeError, ValueError):
        return None
    return number if math.isfinite(number) and 0 <= number <= 1 else None


def _write_address(threshold: float, default: float) -> None:
    value = "" if threshold == default else repr(threshold)
    address.remember(_PARAMETER, value)
    if value:
        if st.query_params.get(_PARAMETER) != value:
            st.query_params[_PARAMETER] = value
    elif _PARAMETER in st.query_params:
        del st.query_params[_PARAMETER]


def _note(presets: Sequence[ThresholdPreset]) -> str:
    if len(presets) == 1:
        return "No validation predictions to choose a threshold on; test patches never choose one."
    return "Named thresholds were chosen on validation patches; test patches never choose one."
