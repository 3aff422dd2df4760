"""Predictions as a table: thumbnail, name and probability per row. Headings sort, rows open.

Python sorts and pages, because there may be ten thousand rows; the browser shows one page, whose
thumbnails travel as one image.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import streamlit as st

from idc.prediction.file_predictions import ORDERS
from idc.ui.components.image_uri import webp_uri
from idc.ui.components.own_component import own_component
from idc.ui.components.patch_grid import draw_sprite, sprite_columns

_QUALITY = 90  # of thumbnails, which most screens show smaller than the patches

_view = own_component(__file__, "table")


@dataclass(frozen=True)
class AnswerRow:
    """One row.

    Attributes:
        place: index of the file in the upload; returned by a pick.
        name: its path.
        label: ground truth {0, 1}, None if unknown.
        y_prob: probability of IDC-positive, [0, 1].
        called: predicted class {0, 1}.
        warning: why the answer is unreliable, "" for nothing.
    """

    place: int
    name: str
    label: int | None
    y_prob: float
    called: int
    warning: str


@dataclass(frozen=True)
class TableOrder:
    """How the rows are sorted: ``by`` a key of `ORDERS`."""

    by: str = "place"
    descending: bool = False


def chosen_order(key: str) -> TableOrder:
    """The order chosen in the table of this key; by default the order of the upload."""
    order = st.session_state.get(key, {}).get("order")
    if not isinstance(order, dict) or order.get("by") not in ORDERS:
        return TableOrder()
    return TableOrder(order["by"], order.get("descending") is True)


def answer_table(
    rows: Sequence[AnswerRow],
    patches: np.ndarray,
    order: TableOrder,
    *,
    key: str,
    labelled: bool,
    warned: bool,
    opened: int | None,
) -> int | None:
    """Show one page of rows; returns the place of the row just picked, else None.

    Args:
        rows: of this page, sorted.
        patches: uint8 RGB, shape (len(rows), 50, 50, 3).
        order: the order of the rows.
        labelled: whether to show a column for labels.
        warned: whether to show a column for warnings.
        opened: place of the row to mark; may be on another page.
    """
    result = _view(
        key=key,
        data={
            "rows": [asdict(row) for row in rows],
            "sprite": _sprite_uri(hashlib.sha256(patches.tobytes()).hexdigest(), patches),
            "sprite_columns": sprite_columns(len(rows)),
            "order": asdict(order),
            "labelled": labelled,
            "warned": warned,
            "opened": opened,
        },
        default={"order": asdict(TableOrder())},
        on_order_change=lambda: None,
        on_open_change=lambda: None,
    )
    picked: Any = result.get("open")
    return next((row.place for row in rows if row.place == picked), None)


@st.cache_data(max_entries=32, show_spinner=False)
def _sprite_uri(pixels: str, _patches: np.ndarray) -> str:
    """The thumbnails as a WebP data URI, "" without rows; `pixels` is their digest."""
    return webp_uri(draw_sprite(_patches), _QUALITY) if len(_patches) else ""
