"""The slide viewer on a case of a data set."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
import streamlit as st

from idc.datasets.cases import case_counts
from idc.datasets.stitched_slide import StitchedSlide, is_incomplete, stitch_slide
from idc.datasets.store import PatchStore
from idc.ui.components.slide_viewer.slide_viewer import Cells, Picture, jpeg_picture, slide_viewer


def show_slide(
    store: PatchStore,
    slide: StitchedSlide,
    values: dict[str, np.ndarray],
    *,
    threshold: float,
    picked: int | None,
    thresholds: Mapping[str, float] | None = None,
    key: str = "slide",
    predictions_id: str | None = None,
    timeline_id: str | None = None,
    sync_group: str | None = None,
    labels_layer: bool = False,
) -> int | None:
    """Show a case in the viewer and return the row of the opened patch.

    All keyword arguments are those of `slide_viewer`.
    """
    incomplete = store.description.is_idc_set and is_incomplete(slide)
    return slide_viewer(
        _picture(store.fingerprint, slide.case, store, slide),
        Cells(slide.rows, slide.boxes, slide.labels, (slide.left, slide.top)),
        key=key,
        predictions_id=predictions_id,
        timeline_id=timeline_id,
        sync_group=sync_group,
        labels_layer=labels_layer,
        title=f"Case {store.description.case_name(slide.case)}",
        description=store.description,
        values=values,
        outlines=slide.outlines(),
        picked=picked,
        gap_note="gap: no patch in this data set" if incomplete else "",
        hatch_gaps=incomplete,
        threshold=threshold,
        thresholds=thresholds,
    )


def cached_case_table(store: PatchStore) -> pd.DataFrame:
    """The table of `idc.datasets.cases.case_counts`, computed once per packing."""
    return _case_table(store.fingerprint, store)


@st.cache_resource(max_entries=8, show_spinner=False)
def _case_table(fingerprint: str, _store: PatchStore) -> pd.DataFrame:
    return case_counts(_store.index, _store.description)


# About 3 MB each, shared by all visitors.
@st.cache_resource(max_entries=24, show_spinner=False)
def _picture(fingerprint: str, case: int, _store: PatchStore, _slide: StitchedSlide) -> Picture:
    return jpeg_picture(stitch_slide(_store, _slide))
