"""What runs say about the slide on screen: choose them, fetch their answers, say what they are."""

import numpy as np
import streamlit as st

from idc.datasets.stitched_slide import StitchedSlide
from idc.datasets.store import PatchStore
from idc.prediction.case_predictions import (
    fresh_probabilities,
    saved_probabilities,
    trained_on_case,
)
from idc.runs.run import BUNDLED_RUN_ID, Run, list_runs, open_run
from idc.ui.shared.formatting import escape_markdown
from idc.ui.shared.pickers import choose_from_titles, reset_picker, run_title

_NONE = "none"


def choose_runs(store: PatchStore) -> list[Run]:
    """Up to two runs, the bundled model among them. In the URL.

    The first one is by default the newest of this data set, else the bundled model, which knows
    real tissue alone.
    """
    runs = [run for run in list_runs() if run.has_model() or run.has_predictions()]
    runs.append(open_run(BUNDLED_RUN_ID))
    titles = {_NONE: "No run"} | {run.id: run_title(run) for run in runs}
    otherwise = _NONE if store.report.generated else BUNDLED_RUN_ID
    own = (run.id for run in runs if run.config.data == store.name and not run.bundled)
    left, right = st.columns(2)
    with left:
        first = choose_from_titles("Run", titles, key="run", default=next(own, otherwise))
    if first == _NONE:
        return []
    others = {run: title for run, title in titles.items() if run != first}
    with right:
        if first in (st.session_state.get("run2"), st.query_params.get("run2")):
            reset_picker("run2")  # no run is compared with itself
        second = choose_from_titles("Compare with", others, key="run2")
    return [open_run(run) for run in (first, second) if run != _NONE]


def answers_of(runs: list[Run], store: PatchStore, slide: StitchedSlide) -> dict[str, np.ndarray]:
    """Title -> probabilities of the slide's patches, float32 (n,), nan where there is none.

    Says where they come from, and offers to ask the model for what was not saved.
    """
    values = {title: _answers(run, store, slide) for title, run in _runs_by_title(runs).items()}
    return {title: answers for title, answers in values.items() if not np.isnan(answers).all()}


def thresholds_of(runs: list[Run]) -> dict[str, float]:
    """Title, as in `answers_of` -> from which probability on the run itself calls a patch IDC."""
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
        st.caption(f"{title}: saved answers for all {n:,} patches; it trained on none of them.")
        return answers
    told = f"{title}: saved answers for {saved:,} of {n:,} patches"
    trained = _trained_on(run.id, slide.case, store.fingerprint, run)
    question = (run.id, run.best().get("sha256", ""), store.fingerprint, slide.case)
    if question not in st.session_state.setdefault("asked", set()):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.caption(told + _why_missing(trained))
            if run.has_model():
                st.button(
                    "Let the model answer for the whole case",
                    icon=":material/psychology:",
                    key=f"ask_{run.id}",
                    on_click=st.session_state["asked"].add,
                    args=(question,),
                )
        return answers
    fresh = _fresh_answers(*question)
    if "answers" not in fresh:
        whole = np.full(n, np.nan, np.float32)
        whole[missing] = _ask_model(run, store, slide.rows[missing], title)
        fresh["answers"] = whole
    rest = f"{told}, the other {n - saved:,}" if saved else f"{title}: all {n:,} patches"
    st.caption(f"{rest} answered by its model when asked.")
    if trained:
        st.warning("The run trained on this case, so it flatters.", icon=":material/info:")
    elif trained is None:
        st.warning(
            "It may have trained on this case: its data set is gone or changed.",
            icon=":material/info:",
        )
    return np.where(missing, fresh["answers"], answers)


def _why_missing(trained: bool | None) -> str:
    if trained is None:
        return "; whether it trained on this case cannot be told, its data set is gone or changed."
    if trained:
        return ", for the run trained on this case."
    return "; it did not train on this case."


@st.cache_data(max_entries=4_096, show_spinner=False)
def _trained_on(run_id: str, case: int, fingerprint: str, _run: Run) -> bool | None:
    """The split is made again from the settings, which takes a while for a large data set."""
    return trained_on_case(_run, case)


def _ask_model(run: Run, store: PatchStore, rows: np.ndarray, title: str) -> np.ndarray:
    text = f"{title} looks at {len(rows):,} patches …"
    bar = st.progress(0.0, text=text)
    answers = fresh_probabilities(
        run, store, rows, on_progress=lambda done, of: bar.progress(done / of, text=text)
    )
    bar.empty()
    return answers


@st.cache_resource(max_entries=256, show_spinner=False)
def _fresh_answers(run_id: str, sha256: str, fingerprint: str, case: int) -> dict[str, np.ndarray]:
    """A place for a case's answers, a few kB, shared by all visitors.

    Filled outside, because a cached function cannot show its progress.
    """
    return {}
