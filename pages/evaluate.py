"""Evaluate: the scores of a run on patches that it has not trained on."""

import streamlit as st

from idc.evaluation.results import saved_parts, saved_results
from idc.ui.evaluate.damaged_files import damaged_files
from idc.ui.evaluate.opened_patch import linked_patch
from idc.ui.evaluate.sections import (
    cases_section,
    choose_threshold,
    curves_section,
    errors_section,
    export_section,
    matrix_section,
    probability_section,
    report_section,
    scope_section,
    scores_section,
)
from idc.ui.evaluate.tables import calibration_section, learning_curves
from idc.ui.shared.formatting import run_heading
from idc.ui.shared.guard import error_sentences
from idc.ui.shared.links import run_links
from idc.ui.shared.pickers import choose_run

st.title("Evaluate")

with error_sentences():
    run = choose_run(with_predictions=True, with_damaged=True)
    if run is None:
        st.stop()
    st.markdown(run_heading(run))
    damaged_files(run)
    parts = saved_parts(run)
    part = parts[0]
    if len(parts) > 1:
        part = st.segmented_control(
            "Part",
            parts,
            default=parts[0],
            required=True,
            key="part",
            bind="query-params",
            help="Validation scores are slightly optimistic: that part chose the best epoch.",
        )
    results = saved_results(run, part)
    scope_section(run, results)
    scored = choose_threshold(run, results)
    scores_section(scored)
    linked_patch(run, results)
    matrix_section(scored)
    curves_section(scored)
    probability_section(scored)
    errors_section(scored)
    cases_section(scored)
    report_section(scored)
    calibration_section(run, results)
    learning_curves(run)
    export_section(scored)
    run_links(run)
