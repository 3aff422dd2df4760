"""A run as notebook, script or model file, created on request."""

import streamlit as st

from idc.export.export_job import EXPORT_KINDS, ExportJob, export_job, start_export
from idc.runs.run import Run
from idc.ui.shared.guard import guarded_fragment, show_error

_POLL_INTERVAL_S = 1.0
_HELP = (
    "Notebook and script repeat the run in plain Keras, without IDC Lab. Those of other data sets "
    "than Kaggle's read the patches from the NumPy file. A model file comes with a description "
    "and is checked on 64 patches."
)


def run_export(run: Run) -> None:
    """A choice of what to create, a button, and the files when they are ready.

    The bundled model has no data set here, so only its model files are offered.
    """
    kinds = [
        kind for kind, made in EXPORT_KINDS.items() if not run.bundled or "--format" in made.options
    ]
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        kind = st.selectbox(
            "Take this run along as",
            kinds,
            format_func=lambda kind: EXPORT_KINDS[kind].label,
            key="export_kind",
            help=_HELP,
            width=280,
        )
        live = (job := export_job(run, kind)) is not None and job.live
        if st.button("Create", icon=":material/output:", key=f"export_{run.id}", disabled=live):
            start_export(run, kind)
            st.rerun()
    if job is None:
        return
    if job.live:
        guarded_fragment(_watch, run_every=_POLL_INTERVAL_S, key="export_watch")(run, kind)
    elif job.problem:
        show_error(job.problem)
    else:
        _downloads(job)
        if kind in ("notebook", "script") and _reads_patches_file(run):
            st.caption(
                f"It reads the patches from `{run.config.data}.npz`: create "
                f"“{EXPORT_KINDS['patches'].label}” too, and put both into one folder."
            )


def _reads_patches_file(run: Run) -> bool:
    """Whether its data set is none that Kaggle offers."""
    return bool(run.environment().get("data_generated")) or not run.description().is_idc_set


def _watch(run: Run, kind: str) -> None:
    job = export_job(run, kind)
    if job is None or not job.live:
        st.rerun()
    st.info("Creating the file in a process with Keras, some 10 s …", icon=":material/output:")


def _downloads(job: ExportJob) -> None:
    with st.container(horizontal=True, gap="small"):
        for name, content in job.files.items():
            st.download_button(
                name,
                content,
                name,
                "application/octet-stream",
                icon=":material/download:",
                key=f"download_{name}",
                on_click="ignore",
            )
