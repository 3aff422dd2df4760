"""Leakage: whether a split scores what its training part has as good as shown."""

import streamlit as st

from idc.ui.leakage_parts import check, choose_split, show_report
from idc.ui.words import error_sentences

st.title("Leakage")
st.caption(
    "A score is only worth something if the scored patches are new to the model. This check looks "
    "for cases, copies and neighbours that two parts of a split share."
)

with error_sentences():
    chosen = choose_split()
    if chosen is None:
        st.stop()
    store, split = chosen
    report = check(store, split)
    if report is not None:
        show_report(store, report)
