"""Choosing a data set or a run. The choice is in the URL, so a refresh or a link keeps it."""

from collections.abc import Callable, Sequence

import streamlit as st

from idc.runs import Run, list_runs, open_run
from idc.store import PatchStore, is_current, list_stores, open_store


def choose_store(label: str = "Data set") -> PatchStore | None:
    """A picker of data sets; None, with a way to get one, when there are none."""
    names = list_stores()
    if not names:
        st.info("There is no data set yet.", icon=":material/info:")
        st.page_link("../../pages/home.py", label="Get one on Home", icon=":material/home:")
        return None
    return cached_store(select_in_url(label, names, "data"))


def choose_run(*, with_predictions: bool = False, with_model: bool = False) -> Run | None:
    """A picker of runs, the newest first; None, with a way to make one, when there are none."""
    runs = [
        run
        for run in list_runs()
        if (not with_predictions or run.has_predictions()) and (not with_model or run.has_model())
    ]
    if not runs:
        st.info("There is no trained run yet.", icon=":material/info:")
        st.page_link("../../pages/train.py", label="Train one", icon=":material/model_training:")
        return None
    titles = {run.id: run_title(run) for run in runs}
    return open_run(select_in_url("Run", list(titles), "run", lambda run: titles[run]))


def select_in_url(
    label: str, options: Sequence[str], key: str, format_func: Callable[[str], str] = str
) -> str:
    """A select box, kept in the URL under its key.

    Streamlit's own ``bind`` would drop the parameter on a link from one page to another when both
    pages have the same picker.

    Args:
        options: at least one; the first is the default, and not written to the URL unasked.
    """
    state, written = st.session_state, f"{key}-in-url"
    asked = st.query_params.get(key)
    # A link or the browser's Back has changed the URL: it wins. Otherwise the box does.
    if asked in options and (key not in state or asked != state.get(written)):
        state[key] = asked
    chosen = st.selectbox(label, options, format_func=format_func, key=key)
    if chosen != asked and (asked is not None or chosen != options[0]):
        st.query_params[key] = chosen
    state[written] = st.query_params.get(key)
    return chosen


@st.cache_resource(show_spinner=False, max_entries=8, validate=is_current)
def cached_store(name: str) -> PatchStore:
    """An opened store, shared by all visitors until its files change."""
    return open_store(name)


def run_title(run: Run) -> str:
    """What a picker calls a run."""
    return f"{run.config.name} · {run.id}" if run.config.name else run.id
