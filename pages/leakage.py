"""Leakage: whether parts of a split share patches, and the effect on the scores."""

import streamlit as st

from idc.ui.leakage.both_splits import offer_pair, pair_of_url, show_pair
from idc.ui.leakage.sections import choose_split, leakage_check, show_report
from idc.ui.shared.guard import error_sentences

st.title("Leakage")
st.caption(
    "A score is meaningful only if the scored patches are new to the model. This check finds "
    "cases, copies and neighbours that two parts of a split share."
)

with error_sentences():
    pair = pair_of_url()
    if pair is not None:
        show_pair(pair)
        st.stop()

with error_sentences():
    chosen = choose_split()
    if chosen is None:
        st.stop()
    store, split = chosen
    report = leakage_check(store, split)
    if report is not None:
        show_report(store, report)
    st.divider()
    offer_pair(store)
