"""Predict: predictions for a patch, several files, a region or a whole slide."""

import streamlit as st

from idc.ui.predict.examples import choose_example
from idc.ui.predict.patch import EXAMPLE, WHOLE_SLIDE, choose_source, show_prediction
from idc.ui.predict.slide import show_whole_slide
from idc.ui.predict.upload import show_upload
from idc.ui.shared.guard import error_sentences
from idc.ui.shared.pickers import choose_run

st.title("Predict")
st.caption("For teaching and research, not for diagnosis.")

with error_sentences():
    run = choose_run(with_model=True)
    if run is None:
        st.stop()
    source = choose_source()
    if source == WHOLE_SLIDE:
        show_whole_slide(run)
    elif source == EXAMPLE:
        chosen = choose_example(run)
        if chosen is not None:
            show_prediction(run, chosen)
    else:
        show_upload(run)
