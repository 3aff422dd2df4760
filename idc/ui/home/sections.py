"""The sections of Home."""

import streamlit as st

from idc.datasets.store import PackReport, list_stores
from idc.demo_tissue.generate import GENERATED_NOTICE
from idc.ingest.packing_job import PackJob, forget_job, pack_jobs
from idc.runs.run import list_damaged_runs, list_runs
from idc.shipped.demo import start_demo
from idc.ui.home.get_data import get_data
from idc.ui.home.own_data import own_data_form, own_data_preview
from idc.ui.shared.data_set_actions import data_set_actions, deleted_data_sets
from idc.ui.shared.formatting import class_name, describe_run, escape_markdown, store_origin
from idc.ui.shared.guard import error_sentences, guarded, guarded_fragment
from idc.ui.shared.pickers import cached_store, damaged_note
from idc.wording import duration


def stores_overview() -> None:
    """Every packed data set with its counts and its share of the full set."""
    for name in list_stores():
        with st.container(border=True):
            with error_sentences():
                _store_facts(name)
            data_set_actions(name)
    deleted_data_sets()


def _store_facts(name: str) -> None:
    store = cached_store(name)
    positive = int((store.labels == 1).sum())
    description = store.description
    cases = f" of {store.index['case'].nunique():,} cases" if description.has_cases else ""
    st.markdown(
        f"**{escape_markdown(name)}**: {len(store):,} patches{cases}, "
        f"{positive / len(store):.1%} {class_name(1, description)}"
    )
    st.caption(store_origin(store) + _packing_notes(store.report))
    st.page_link(
        "../../pages/dataset.py",
        label="Explore it",
        icon=":material/grid_view:",
        query_params={"data": name},
    )


def runs_overview() -> None:
    """The latest runs and their states."""
    runs = list_runs()[:4]
    damaged_note()
    if not runs and not list_damaged_runs():
        st.info("None yet.", icon=":material/info:")
        st.page_link(
            "../../pages/train.py", label="Train a network", icon=":material/model_training:"
        )
    for run in runs:
        with error_sentences(), st.container(border=True):
            status = run.status()
            st.markdown(f"**{escape_markdown(run.title)}**")
            st.markdown(describe_run(run, status))
            page = "evaluate" if run.has_predictions() and not status.live else "train"
            st.page_link(
                f"../../pages/{page}.py",
                label="See its results" if page == "evaluate" else "Watch it",
                icon=":material/arrow_forward:",
                query_params={"run": run.id},
            )


def add_data_section() -> None:
    """The three ways to add a data set, side by side."""
    demo, real, own = st.columns(3, gap="medium")
    with demo, st.container(border=True, height="stretch"):
        st.markdown("##### Start with generated tissue")
        demo_offer()
    with real, st.container(border=True, height="stretch"):
        st.markdown("##### Get the real data set")
        get_data()
    with own, st.container(border=True, height="stretch"):
        st.markdown("##### Use your own files")
        own_data_form()
    own_data_preview()


def demo_offer() -> None:
    """Offer generated tissue, with which everything works without a download."""
    st.markdown(
        "12 computer-generated slides that look like stained tissue, and two trained networks. "
        "Ready in seconds, without an account or a download. Every page works with them."
    )
    st.caption(GENERATED_NOTICE.capitalize() + ".")
    if "demo" in list_stores():
        st.success("Already installed as **demo**.", icon=":material/check:")
        return
    if st.button(
        "Start with generated tissue",
        type="primary",
        icon=":material/science:",
        key="make_demo",
        width="stretch",
        disabled=any(job.name == "demo" and job.live for job in pack_jobs()),
    ):
        start_demo()
        st.rerun()


def pack_progress() -> None:
    """Running and finished packing jobs; redrawn while one runs."""
    jobs = pack_jobs()
    if jobs:
        busy = any(job.live for job in jobs)
        guarded_fragment(_pack_progress, run_every=0.5 if busy else None)(busy)


def _pack_progress(was_busy: bool) -> None:
    jobs = pack_jobs()
    for job in jobs:
        _show_job(job)
    if was_busy and not any(job.live for job in jobs):
        st.rerun()


def _show_job(job: PackJob) -> None:
    name = escape_markdown(job.name)
    if job.live:
        left_s = job.left_s()
        progress = (
            f"{job.done:,} of {job.total:,} {job.unit}, {duration(left_s)} left"
            if left_s is not None
            else "starting"
        )
        st.progress(
            job.done / job.total if job.total else 0.0, text=f"Packing **{name}**: {progress}"
        )
        st.button("Cancel", key=f"cancel_{job.name}", on_click=guarded(job.stop))
        return
    if job.state == "failed":
        st.error(escape_markdown(job.problem), icon=":material/error:")
    elif job.state == "stopped":
        st.warning(f"Packing **{name}** was cancelled. Nothing is left of it.")
    else:
        st.success(f"**{name}** is packed and ready.", icon=":material/check:")
    st.button("Dismiss", key=f"dismiss_{job.name}", on_click=guarded(forget_job), args=(job.name,))


def _packing_notes(report: PackReport) -> str:
    notes = [
        f"{number:,} {what}"
        for number, what in (
            (report.second_copies, "second copies dropped"),
            (0 if report.layout else report.resized, "edge patches resized"),
            (report.damaged, "damaged patches skipped"),
            (report.foreign, "foreign files skipped"),
        )
        if number
    ]
    counts = ". " + ", ".join(notes) + "." if notes else "."
    return " ".join((counts, *map(escape_markdown, report.notes)))
