"""Compare: two or more runs side by side; how they learned, and how they score the same patches."""

import streamlit as st

from idc.ui.compare.groups import groups_of, learning_curves, settings_and_scores
from idc.ui.compare.sections import (
    choose_runs,
    choose_thresholds,
    compared,
    curves,
    disagreements,
    matrix_difference,
    score_table,
)
from idc.ui.shared.formatting import error_sentences

st.title("Compare")

with error_sentences():
    runs = choose_runs()
    if not runs:
        st.stop()
    groups = groups_of(runs)
    settings_and_scores(groups)
    learning_curves(groups)

with error_sentences():
    st.subheader("On the same patches")
    result = compared(runs)
    thresholds = choose_thresholds(result)
    score_table(result, thresholds)
    matrix_difference(result, thresholds)
    curves(result)
    disagreements(result, thresholds)
