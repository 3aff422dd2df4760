"""Evaluate: what a run can do on patches that it has not trained on."""

import streamlit as st

from idc.evaluation.results import saved_parts, saved_results
from idc.ui.evaluate.opened_patch import linked_patch
from idc.ui.evaluate.sections import (
    about,
    cases_section,
    curves_section,
    errors_section,
    evaluated,
    handout_section,
    matrix_section,
    probability_section,
    report_section,
    scores,
)
from idc.ui.evaluate.tables import calibration_section, learning_curves
from idc.ui.shared.formatting import describe, error_sentences
from idc.ui.shared.links import run_links
from idc.ui.shared.pickers import choose_run

st.title("Evaluate")

with error_sentences():
    run = choose_run(with_predictions=True)
    if run is None:
        st.stop()
    st.markdown(describe(run, run.status()))
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
            help="Validation chose the best epoch, so its scores flatter a little; test did not.",
        )
    results = saved_results(run, part)
    about(run, results)
    at = evaluated(run, results)
    scores(at)
    linked_patch(run, results)
    matrix_section(at)
    curves_section(at)
    probability_section(at)
    errors_section(at)
    cases_section(at)
    report_section(at)
    calibration_section(run, results)
    learning_curves(run)
    handout_section(at)
    run_links(run)
