"""Compare: two or more runs side by side, on the patches that all of them have scored."""

import streamlit as st

from idc.ui.compare_parts import (
    choose_runs,
    choose_thresholds,
    compared,
    curves,
    disagreements,
    matrix_difference,
    score_table,
)
from idc.ui.words import error_sentences

st.title("Compare")

with error_sentences():
    runs = choose_runs()
    if not runs:
        st.stop()
    result = compared(runs)
    thresholds = choose_thresholds(result)
    score_table(result, thresholds)
    matrix_difference(result, thresholds)
    curves(result)
    disagreements(result, thresholds)
