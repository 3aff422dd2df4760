"""The folds of a run: start, progress and stop."""

from collections.abc import Callable

import streamlit as st

from idc.datasets.store import PatchStore
from idc.launch.active_training import active_training_name
from idc.launch.folds import FoldJob, create_folds, list_folds, start_folds
from idc.runs.run import Run
from idc.ui.shared.formatting import STATE_BADGES, escape_markdown
from idc.ui.shared.guard import error_sentences, guarded, guarded_fragment
from idc.wording import duration

_REDRAW_EVERY_S = 1.0


def folds_section(run: Run, store: PatchStore) -> None:
    """The form that starts folds, and the jobs so far."""
    jobs = [job for job in list_folds() if job.base_run == run.id]
    live = any(job.live for job in jobs)
    if not store.description.has_cases:
        st.caption("This data set has no cases, so there are no folds of cases.")
        return
    with st.expander(
        "Predictions for every patch (folds of cases)", expanded=live, icon=":material/layers:"
    ):
        st.markdown(
            "Splits the cases into folds and trains the run's settings once per fold, without that "
            "fold. Every patch of the data set then has a prediction of a model that was not "
            "trained on its case. The number of trainings equals the number of folds."
        )
        _form(run, store)
        guarded_fragment(_watch, run_every=_REDRAW_EVERY_S if live else None, key="folds")(
            run.id, live
        )


def _form(run: Run, store: PatchStore) -> None:
    max_folds = min(10, store.index["case"].nunique())
    if max_folds < 3:
        st.info("Folds need at least 3 cases; pack more cases.", icon=":material/info:")
        return
    active = active_training_name()
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        folds = st.number_input(
            "Folds",
            2,
            max_folds,
            min(5, max_folds),
            key="folds_count",
            width=140,
            help="5 is usual.",
        )
        pressed = st.button(
            "Train the folds",
            icon=":material/play_arrow:",
            key="start_folds",
            disabled=active is not None,
        )
    if active is not None:
        st.caption(f"{escape_markdown(active)} is training; only one training runs at a time.")
    if pressed:
        with error_sentences():
            start_folds(create_folds(run, int(folds)))
            st.rerun()


def _watch(run_id: str, was_live: bool) -> None:
    with error_sentences():
        jobs = [job for job in list_folds() if job.base_run == run_id]
        for job in jobs:
            _show(job)
        if was_live and not any(job.live for job in jobs):
            st.rerun()  # redraw the whole page with the new predictions, and stop the timer


def _show(job: FoldJob) -> None:
    state, reason = job.state()
    finished = len(job.finished())
    st.markdown(
        f"{STATE_BADGES[state]} {job.folds} folds, {finished} done. {escape_markdown(reason)}"
    )
    if job.live:
        st.progress(*_progress(job, finished))
        if job.stop_requested():
            st.caption("Stopping at the next step; finished folds and epochs are kept.")
        else:
            st.button(
                "Stop",
                icon=":material/stop:",
                key=f"stop_{job.id}",
                on_click=guarded(_stop_callback(job)),
            )
    elif finished < job.folds and st.button(
        "Continue",
        icon=":material/resume:",
        key=f"continue_{job.id}",
        disabled=active_training_name() is not None,
    ):
        start_folds(job)
        st.rerun(scope="app")


def _stop_callback(job: FoldJob) -> Callable[[], None]:
    def press() -> None:
        with error_sentences():
            job.request_stop()

    return press


def _progress(job: FoldJob, finished: int) -> tuple[float, str]:
    runs = job.runs()
    current = next((run for run in runs if run.status().live), None)
    if current is None:
        return finished / job.folds, "Starting the next fold"
    status = current.status()
    within = (status.epoch + status.step / max(status.steps, 1)) / max(status.epochs, 1)
    text = f"Fold {current.config.fold} of {job.folds}, epoch "
    text += f"{min(status.epoch + 1, status.epochs)} of {status.epochs}"
    if status.left_s is not None:
        text += f", about {duration(status.left_s)} left of this fold"
    return min((finished + within) / job.folds, 1.0), text
