"""Slides: a case stitched back into its slide, with the predictions of runs."""

import streamlit as st

from idc.datasets.stitched_slide import lay_out_case
from idc.ui.components.slide_viewer.case_slide import show_slide
from idc.ui.shared.guard import error_sentences
from idc.ui.shared.pickers import choose_store
from idc.ui.slides.run_layers import answers_of, choose_runs, thresholds_of
from idc.ui.slides.sections import (
    all_slides,
    choose_slide,
    exports,
    keep_patch_in_url,
    open_patch,
    patch_in_url,
    slide_facts,
)

st.title("Slides")

with error_sentences():
    data, slides = st.columns([1, 2], vertical_alignment="bottom")
    with data:
        store = choose_store()
    if store is None:
        st.stop()
    if not store.description.has_places:
        st.info(
            "This data set has no places, so its patches cannot be put together to slides.",
            icon=":material/info:",
        )
        st.page_link(
            "../../pages/dataset.py",
            label="See them on Dataset",
            icon=":material/grid_view:",
            query_params={"data": store.name},
        )
        st.stop()
    with slides:
        case = choose_slide(store)
    if case is None:
        all_slides(store)
        st.stop()

    runs = choose_runs(store)
    slide = lay_out_case(store, case)
    slide_facts(store, slide)
    left, right = st.columns([3, 1], gap="medium")
    with left:
        viewer = st.container()
        values = answers_of(runs, store, slide)
    with viewer:
        row = show_slide(
            store,
            slide,
            values,
            threshold=runs[0].calibration().threshold if runs else 0.5,
            thresholds=thresholds_of(runs),
            picked=patch_in_url(store, slide),
        )
    keep_patch_in_url(store, row)
    with right:
        run = runs[0] if runs else None
        open_patch(store, slide, row, run, values.get(run.title) if run else None)
        exports(store, slide, values)
