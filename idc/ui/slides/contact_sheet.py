"""The contact sheet: thumbnails of slides, one of them to open.

All thumbnails travel as one image. A click, or Enter after moving with the arrow keys, opens a
slide. Opening is an event and not kept as state for the next script run.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass

import numpy as np
import streamlit as st

from idc.datasets.stitched_slide import lay_out_case, slide_thumbnail
from idc.datasets.store import PatchStore
from idc.ui.components.image_uri import webp_uri
from idc.ui.components.own_component import own_component

CARD_WIDTH_PX, CARD_HEIGHT_PX = 216, 168  # of a thumbnail; sharp on high-density screens
_WEBP_QUALITY = 85

_view = own_component(__file__)


@dataclass(frozen=True)
class SlideCard:
    """The text and share of one slide.

    Attributes:
        title: "Case 8863".
        share: of positive patches, [0, 1].
        details: the line below the name: "1,642 patches, 23 % IDC".
    """

    case: int
    title: str
    share: float
    details: str


def contact_sheet(store: PatchStore, cards: Sequence[SlideCard], *, key: str) -> int | None:
    """Show slides side by side; returns the case that was just opened, else None."""
    cases = tuple(card.case for card in cards)
    result = _view(
        key=key,
        data={
            "sheet": _sheet_uri(store.fingerprint, cases, store) if cases else "",
            "width": CARD_WIDTH_PX,
            "height": CARD_HEIGHT_PX,
            "cards": [asdict(card) for card in cards],
        },
        on_open_change=lambda: None,
    )
    opened = result.get("open")
    return next((case for case in cases if case == opened), None)


def draw_sheet(pictures: Sequence[np.ndarray]) -> np.ndarray:
    """Stack thumbnails vertically, each centred in its cell.

    Args:
        pictures: uint8 RGBA, cropped to `CARD_HEIGHT_PX` x `CARD_WIDTH_PX` px.

    Returns:
        uint8 RGBA, shape (n * CARD_HEIGHT_PX, CARD_WIDTH_PX, 4).
    """
    sheet = np.zeros((len(pictures), CARD_HEIGHT_PX, CARD_WIDTH_PX, 4), np.uint8)
    for cell, picture in zip(sheet, pictures, strict=True):
        cropped = picture[:CARD_HEIGHT_PX, :CARD_WIDTH_PX]
        height, width = cropped.shape[:2]
        top, left = (CARD_HEIGHT_PX - height) // 2, (CARD_WIDTH_PX - width) // 2
        cell[top : top + height, left : left + width] = cropped
    return sheet.reshape(-1, CARD_WIDTH_PX, 4)


@st.cache_resource(max_entries=64, show_spinner=False)
def _sheet_uri(fingerprint: str, cases: tuple[int, ...], _store: PatchStore) -> str:
    """The sheet as a WebP data URI, shared by all visitors."""
    pictures = [_thumbnail(fingerprint, case, _store) for case in cases]
    return webp_uri(draw_sheet(pictures), _WEBP_QUALITY)


@st.cache_resource(max_entries=600, show_spinner=False)
def _thumbnail(fingerprint: str, case: int, _store: PatchStore) -> np.ndarray:
    """A thumbnail of at most 145 kB, shared by all visitors: read-only."""
    return slide_thumbnail(_store, lay_out_case(_store, case), (CARD_WIDTH_PX, CARD_HEIGHT_PX))
