"""Damaged runs: what is wrong with each, and what can still be done."""

import streamlit as st

from idc.runs.run import DamagedRun, list_damaged_runs
from idc.runs.trash import delete_damaged_run
from idc.ui.shared.formatting import escape_markdown


def damaged_runs() -> None:
    """One row a damaged run, with a link to Evaluate where that works, and a delete button."""
    if not (damaged := list_damaged_runs()):
        return
    with st.expander(f"Damaged runs ({len(damaged):,})", icon=":material/error:", expanded=True):
        for run in damaged:
            _row(run)


def _row(run: DamagedRun) -> None:
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.markdown(escape_markdown(run.problem))
        if run.can_evaluate():
            st.page_link(
                "../../pages/evaluate.py",
                label="Evaluate",
                icon=":material/analytics:",
                query_params={"run": run.id},
            )
        if st.button(
            "Delete",
            icon=":material/delete:",
            key=f"delete_{run.id}",
            help="Moves its folder to the trash; can be undone.",
        ):
            delete_damaged_run(run.id)
            st.session_state["deleted_run"] = st.session_state["deleted_title"] = run.id
            st.rerun()
