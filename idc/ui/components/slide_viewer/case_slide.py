"""The slide viewer on a case of a data set."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
import streamlit as st

from idc.datasets.stitched_slide import Slide, case_table, is_sampled, stitch
from idc.datasets.store import PatchStore
from idc.ui.components.slide_viewer.slide_viewer import Cells, Picture, jpeg_picture, slide_viewer


def show_slide(
    store: PatchStore,
    slide: Slide,
    values: dict[str, np.ndarray],
    *,
    threshold: float,
    picked: int | None,
    thresholds: Mapping[str, float] | None = None,
    key: str = "slide",
    board: str | None = None,
    film: str | None = None,
    beside: str | None = None,
    truth: bool = False,
) -> int | None:
    """The viewer; returns the row of the opened patch.

    ``thresholds``, ``board``, ``film``, ``beside`` and ``truth``: see `slide_viewer`.
    """
    return slide_viewer(
        _picture(store.fingerprint, slide.case, store, slide),
        Cells(slide.rows, slide.boxes, slide.labels, (slide.left, slide.top)),
        key=key,
        board=board,
        film=film,
        beside=beside,
        truth=truth,
        title=f"Case {slide.case}",
        values=values,
        outlines=slide.outlines(),
        picked=picked,
        gap_note="gap: no patch in this data set" if is_sampled(slide) else "",
        hatch_gaps=is_sampled(slide),
        threshold=threshold,
        thresholds=thresholds,
    )


def cases_of(store: PatchStore) -> pd.DataFrame:
    """See `idc.datasets.stitched_slide.case_table`; made once for each packing."""
    return _cases(store.fingerprint, store)


@st.cache_resource(max_entries=8, show_spinner=False)
def _cases(fingerprint: str, _store: PatchStore) -> pd.DataFrame:
    return case_table(_store.index)


# Some 3 MB each, shared by all visitors.
@st.cache_resource(max_entries=24, show_spinner=False)
def _picture(fingerprint: str, case: int, _store: PatchStore, _slide: Slide) -> Picture:
    return jpeg_picture(stitch(_store, _slide))
