"""Two plots and a table of the cases, worst first; each case opens its patches or its slide."""

from typing import Any

import numpy as np
import streamlit as st

from idc.datasets.description import DataDescription
from idc.ui.components.own_component import own_component

_view = own_component(__file__, "plot", "table")


def case_table(
    predictions_id: str, cases: np.ndarray, *, key: str, slides: bool, description: DataDescription
) -> tuple[Any, Any]:
    """Show all scored cases.

    Args:
        predictions_id: `idc.ui.evaluate.browser_predictions.predictions_id`.
        cases: case numbers, int, shape (n,).
        slides: whether the cases have slides to open.
        description: of the data set: names of cases and classes.

    Returns:
        the case whose patches are open and the case whose slide was requested in this run of the
        page; None for each that does not apply.
    """
    state = st.session_state.get(key, {})
    pick = state.get("pick")
    opened = (
        pick.get("case")
        if isinstance(pick, dict) and pick.get("predictions_id") == predictions_id
        else None
    )
    opened = _known(opened, cases)
    _view(
        key=key,
        data={
            "predictions_id": predictions_id,
            "open": opened,
            "slides": slides,
            "target": description.target,
            "names": [[number, description.case_name(number)] for number in cases.tolist()],
        },
        default={"pick": None},
        on_pick_change=lambda: None,
        on_slide_change=lambda: None,
    )
    return opened, _known(state.get("slide"), cases)


def _known(case: Any, cases: np.ndarray) -> int | None:
    return int(case) if isinstance(case, int) and case in cases else None
