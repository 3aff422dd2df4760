"""What is damaged of a run's saved predictions, and the button that computes them again."""

import streamlit as st

from idc.launch.recompute import recompute_job, start_recompute
from idc.runs.checksums import checksums_problem
from idc.runs.run import Run
from idc.ui.shared.formatting import escape_markdown
from idc.ui.shared.guard import guarded_fragment, show_error

_POLL_INTERVAL_S = 1.0


def damaged_files(run: Run) -> None:
    """Show damaged files and the button; end the page if the predictions cannot be shown."""
    problems, unchecked = run.damage(), checksums_problem(run.folder)
    if not (problems or unchecked):
        return
    for problem in problems:
        show_error(problem)
    if unchecked:
        st.warning(escape_markdown(unchecked), icon=":material/warning:")
    if not run.bundled and run.has_model():
        _recompute_button(run)
    if problems:
        st.stop()


def _recompute_button(run: Run) -> None:
    job = recompute_job(run)
    if job is not None and job.live:
        guarded_fragment(_watch, run_every=_POLL_INTERVAL_S, key="recompute")(run)
        return
    if job is not None and job.problem:
        show_error(job.problem)
    if st.button("Compute again", icon=":material/refresh:", key=f"recompute_{run.id}"):
        start_recompute(run)
        st.rerun()


def _watch(run: Run) -> None:
    job = recompute_job(run)
    if job is None or not job.live:
        st.rerun()
    st.info("Computing the predictions again from the weights …", icon=":material/refresh:")
