"""Where a run's figures lead on: to doubtful labels, to other runs, to its split."""

import streamlit as st

from idc.runs.run import Run, list_runs
from idc.ui.leakage_parts import run_leakage_link


def run_links(run: Run) -> None:
    """Links that take the run along."""
    st.subheader("Further")
    with st.container(horizontal=True, gap="medium"):
        st.page_link(
            "../../pages/labels.py",
            label="Labels that it doubts",
            icon=":material/label:",
            query_params={"run": run.id},
        )
        others = [other.id for other in list_runs() if other.has_predictions()]
        others = [other for other in others if other != run.id][:1]
        if others:
            st.page_link(
                "../../pages/compare.py",
                label="Compare it with another run",
                icon=":material/compare_arrows:",
                query_params=[("runs", run.id), ("runs", others[0])],
            )
        if not run.bundled:
            run_leakage_link(run.id)
