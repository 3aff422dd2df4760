"""The confusion matrix as a table of four buttons, one per cell."""

import math
from collections.abc import Sequence
from typing import Any

import streamlit as st

from idc.patches import CLASS_NAMES, target_name
from idc.ui.components.own_component import own_component

CELLS = ("tn", "fp", "fn", "tp")  # row by row; rows are the labels, columns the predictions

_view = own_component(__file__)


def cell_names(class_names: tuple[str, str] = CLASS_NAMES) -> dict[str, str]:
    """The name of each of `CELLS`: "Missed IDC (FN)"."""
    return {
        "tn": "Correctly negative (TN)",
        "fp": "False alarm (FP)",
        "fn": f"Missed {target_name(class_names)} (FN)",
        "tp": "Correctly positive (TP)",
    }


def confusion_matrix(
    counts: Sequence[Sequence[int]],
    *,
    key: str,
    selected: str | None,
    predictions_id: str | None = None,
    class_names: tuple[str, str] = CLASS_NAMES,
) -> str | None:
    """Show the matrix and return the open cell: "tn", "fp", "fn", "tp" or None.

    A click opens a cell, a second click closes it. The open cell stays when the counts change and
    is replaced when `selected` changes.

    Args:
        counts: [[tn, fp], [fn, tp]]: rows are the labels, columns the predictions, negative first.
        selected: the cell that is open until the first click.
        predictions_id: the `idc.ui.evaluate.browser_predictions` whose threshold the matrix
            follows in the browser, which then offers the rates by column too.
        class_names: of the negative and the positive class.
    """
    if selected is not None and selected not in CELLS:
        raise ValueError(f"selected must be one of {list(CELLS)}. Received: {selected!r}")
    pick = st.session_state.get(key, {}).get("pick")
    open_cell = _open_cell(pick, selected)
    _view(
        key=key,
        data=matrix_data(counts, class_names)
        | {"selected": selected, "open": open_cell, "predictions_id": predictions_id},
        default={"pick": None},
        on_pick_change=lambda: None,
    )
    return open_cell


def matrix_data(
    counts: Sequence[Sequence[int]], class_names: tuple[str, str] = CLASS_NAMES
) -> dict[str, Any]:
    """All text of the table, and each cell's share of its row.

    Args:
        counts: [[tn, fp], [fn, tp]], whole numbers, 0 or more.

    Returns:
        "columns": the two column headings; "rows": heading, cells (cell, name, count, rate,
        share in [0, 1]) and total of each row; "totals": of the two columns and overall;
        "class_names".
    """
    if [len(row) for row in counts] != [2, 2] or any(n < 0 for row in counts for n in row):
        raise ValueError(f"counts must be [[tn, fp], [fn, tp]], each >= 0. Received: {counts}")
    table = [[int(n) for n in row] for row in counts]
    column_totals = [sum(column) for column in zip(*table, strict=True)]
    cells = list(cell_names(class_names).items())
    return {
        "class_names": list(class_names),
        "columns": [f"Predicted {name}" for name in class_names],
        "rows": [
            {
                "heading": f"Labelled {class_names[label]}",
                "cells": [
                    _cell_data(*cells[2 * label + i], row[i], sum(row), class_names[label])
                    for i in (0, 1)
                ],
                "total": f"{sum(row):,}",
            }
            for label, row in enumerate(table)
        ],
        "totals": [f"{total:,}" for total in (*column_totals, sum(column_totals))],
    }


def _cell_data(cell: str, name: str, count: int, row_total: int, class_name: str) -> dict[str, Any]:
    share = count / row_total if row_total else math.nan
    return {
        "cell": cell,
        "name": name,
        "count": f"{count:,}",
        "rate": f"{share:.1%} of {class_name}".replace("%", " %") if row_total else "–",
        "share": share if row_total else 0.0,
    }


def _open_cell(pick: Any, selected: str | None) -> str | None:
    """The clicked cell, if `selected` has not changed since the click."""
    if not isinstance(pick, dict) or pick.get("selected") != selected:
        return selected
    cell = pick.get("cell")
    if cell is None:
        return None
    return next((name for name in CELLS if name == cell), selected)
