"""Predict: what a run's model says about one patch."""

import streamlit as st

from idc.ui.choose import choose_run
from idc.ui.predict_parts import choose_patch, show_prediction
from idc.ui.words import error_sentences

st.title("Predict")
st.caption("For teaching and research, not for diagnosis.")

with error_sentences():
    run = choose_run(with_model=True)
    if run is None:
        st.stop()
    chosen = choose_patch(run)
    if chosen is not None:
        show_prediction(run, chosen)
