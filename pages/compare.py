"""Compare: the learning curves of two or more runs, and their scores on the same patches."""

import streamlit as st

from idc.ui.compare.groups import choose_groups, learning_curves, settings_and_scores
from idc.ui.compare.sections import (
    choose_runs,
    choose_thresholds,
    compare_on_shared_patches,
    curves_section,
    disagreements,
    matrix_difference,
    scores_section,
)
from idc.ui.shared.guard import error_sentences

st.title("Compare")

with error_sentences():
    runs = choose_runs()
    if not runs:
        st.stop()
    groups = choose_groups(runs)
    settings_and_scores(groups)
    learning_curves(groups)

with error_sentences():
    st.subheader("On the same patches")
    result = compare_on_shared_patches(runs)
    thresholds = choose_thresholds(result)
    scores_section(result, thresholds)
    matrix_difference(result, thresholds)
    curves_section(result)
    disagreements(result, thresholds)
