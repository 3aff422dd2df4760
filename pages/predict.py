"""Predict: what a run's model says about a patch, a region or a whole slide."""

import streamlit as st

from idc.ui.choose import choose_run
from idc.ui.predict_examples import choose_example
from idc.ui.predict_parts import EXAMPLE, WHOLE_SLIDE, choose_source, show_prediction
from idc.ui.predict_slide import show_whole_slide
from idc.ui.predict_upload import show_upload
from idc.ui.words import error_sentences

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
