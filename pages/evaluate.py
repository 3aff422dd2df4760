"""Evaluate: what a run can do on patches that it has not trained on."""

import streamlit as st

from idc.results import saved_parts, saved_results
from idc.ui.choose import choose_run
from idc.ui.evaluate_parts import (
    calibration_section,
    cell_images,
    headline,
    learning_curves,
    report_and_roc,
)
from idc.ui.words import describe, error_sentences

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
    report = results.report()
    headline(run, results, report)
    cell_images(results, report)
    report_and_roc(results, report)
    calibration_section(run, results)
    learning_curves(run)
