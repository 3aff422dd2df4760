"""Layers of a slide: choose up to two runs and collect their predictions for its patches."""

import numpy as np
import streamlit as st

from idc.datasets.stitched_slide import StitchedSlide
from idc.datasets.store import PatchStore
from idc.errors import IdcError
from idc.prediction.case_predictions import (
    fresh_probabilities,
    saved_probabilities,
    trained_on_case,
)
from idc.runs.run import BUNDLED_RUN_ID, Run, list_runs, open_run
from idc.ui.shared.formatting import escape_markdown
from idc.ui.shared.guard import guarded
from idc.ui.shared.pickers import choose_from_titles, reset_picker, run_title

_NONE = "none"


def choose_runs(store: PatchStore) -> list[Run]:
    """Choose up to two runs, including the bundled model. The URL holds the choice.

    The default is the newest run of this data set. Without one it is the bundled model for real
    tissue, which is all that it was trained on, and no run for generated tissue. A data set of
    other classes, size or scale has only its own runs.
    """
    runs = [run for run in list_runs() if run.has_model() or run.has_predictions()]
    if store.description.is_idc_set:
        runs = [run for run in runs if _is_on_idc_set(run)]
        runs.append(open_run(BUNDLED_RUN_ID))
    else:
        runs = [run for run in runs if run.config.data == store.name]
    titles = {_NONE: "No run"} | {run.id: run_title(run) for run in runs}
    fallback = _NONE if store.report.generated else BUNDLED_RUN_ID
    own = (run.id for run in runs if run.config.data == store.name and not run.bundled)
    left, right = st.columns(2)
    with left:
        first = choose_from_titles("Run", titles, key="run", default=next(own, fallback))
    if first == _NONE:
        return []
    others = {run: title for run, title in titles.items() if run != first}
    with right:
        if first in (st.session_state.get("run2"), st.query_params.get("run2")):
            reset_picker("run2")  # do not compare a run with itself
        second = choose_from_titles("Compare with", others, key="run2")
    return [open_run(run) for run in (first, second) if run != _NONE]


def _is_on_idc_set(run: Run) -> bool:
    """Whether the run trained on the Kaggle set or a part of it; False if that file is damaged."""
    try:
        return run.description().is_idc_set
    except IdcError:
        return False


def answers_of(runs: list[Run], store: PatchStore, slide: StitchedSlide) -> dict[str, np.ndarray]:
    """Title -> probabilities of the slide's patches, float32 (n,), nan where there is none.

    Shows where they come from, and offers to predict the patches without a saved answer.
    """
    values = {title: _answers(run, store, slide) for title, run in _runs_by_title(runs).items()}
    return {title: answers for title, answers in values.items() if not np.isnan(answers).all()}


def thresholds_of(runs: list[Run]) -> dict[str, float]:
    """Title, as in `answers_of` -> the run's own threshold."""
    return {title: run.calibration().threshold for title, run in _runs_by_title(runs).items()}


def _runs_by_title(runs: list[Run]) -> dict[str, Run]:
    """Runs by title, or by id where the title is taken."""
    titled: dict[str, Run] = {}
    for run in runs:
        titled[run.title if run.title not in titled else run.id] = run
    return titled


def _answers(run: Run, store: PatchStore, slide: StitchedSlide) -> np.ndarray:
    answers = saved_probabilities(run, store, slide.rows)
    missing = np.isnan(answers)
    saved, n = int((~missing).sum()), len(answers)
    title = f"**{escape_markdown(run.title)}**"
    if saved == n:
        st.caption(f"{title}: saved answers for all {n:,} patches; none was in its training part.")
        return answers
    note = f"{title}: saved answers for {saved:,} of {n:,} patches"
    trained = _trained_on(run.id, slide.case, store.fingerprint, run)
    request = (run.id, run.best().get("sha256", ""), store.fingerprint, slide.case)
    if request not in st.session_state.setdefault("asked", set()):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.caption(note + _why_missing(trained))
            if run.has_model():
                st.button(
                    "Predict the whole case",
                    icon=":material/psychology:",
                    key=f"ask_{run.id}",
                    on_click=guarded(st.session_state["asked"].add),
                    args=(request,),
                )
        return answers
    fresh = _fresh_answers(*request)
    if "answers" not in fresh:
        answers_of_case = np.full(n, np.nan, np.float32)
        answers_of_case[missing] = _predict_rows(run, store, slide.rows[missing], title)
        fresh["answers"] = answers_of_case
    source = f"{note}, the other {n - saved:,}" if saved else f"{title}: all {n:,} patches"
    st.caption(f"{source} predicted now by its model.")
    if trained:
        st.warning(
            "The run trained on this case, so it performs better here than on unseen cases.",
            icon=":material/info:",
        )
    elif trained is None:
        st.warning(
            "It may have trained on this case: its data set was removed or changed.",
            icon=":material/info:",
        )
    return np.where(missing, fresh["answers"], answers)


def _why_missing(trained: bool | None) -> str:
    if trained is None:
        return "; it may have trained on this case, because its data set was removed or changed."
    if trained:
        return ", because the run trained on this case."
    return "; it did not train on this case."


@st.cache_data(max_entries=4_096, show_spinner=False)
def _trained_on(run_id: str, case: int, fingerprint: str, _run: Run) -> bool | None:
    """Cached because recomputing the split takes a while for a large data set."""
    return trained_on_case(_run, case)


def _predict_rows(run: Run, store: PatchStore, rows: np.ndarray, title: str) -> np.ndarray:
    text = f"{title}: predicting {len(rows):,} patches …"
    bar = st.progress(0.0, text=text)
    answers = fresh_probabilities(
        run, store, rows, on_progress=lambda done, of: bar.progress(done / of, text=text)
    )
    bar.empty()
    return answers


@st.cache_resource(max_entries=256, show_spinner=False)
def _fresh_answers(run_id: str, sha256: str, fingerprint: str, case: int) -> dict[str, np.ndarray]:
    """A dictionary for the predictions of a case, a few kB, shared by all visitors.

    The caller fills it, because a cached function cannot show progress.
    """
    return {}
