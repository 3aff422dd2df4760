"""Labels: doubtful labels and the verdicts of reviewers."""

import streamlit as st

from idc.ui.labels.folds import folds_section
from idc.ui.labels.sections import choose_predictions, export, review, summary
from idc.ui.shared.guard import error_sentences
from idc.ui.shared.pickers import cached_store, choose_run

st.title("Labels")
st.caption(
    "Patches whose label is confidently contradicted by a model that was not trained on them."
)

with error_sentences():
    run = choose_run(with_predictions=True)
    if run is None:
        st.stop()
    with error_sentences():
        held_out = choose_predictions(run)
        doubts = held_out.table()
        summary(held_out, doubts)
        review(held_out.store, doubts, run.title)
        export(held_out.store, doubts)
    if not run.bundled:
        folds_section(run, cached_store(run.config.data))
