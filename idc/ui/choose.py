"""Choosing a data set or a run. The choice is in the URL, so a refresh or a link keeps it."""

import streamlit as st

from idc.runs import BUNDLED, Run, list_runs, open_run
from idc.store import PatchStore, is_current, list_stores, open_store


def choose_store(label: str = "Data set") -> PatchStore | None:
    """A picker of data sets; None, with a way to get one, when there are none."""
    names = list_stores()
    if not names:
        st.info("There is no data set yet.", icon=":material/info:")
        st.page_link("../../pages/home.py", label="Get one on Home", icon=":material/home:")
        return None
    name = st.selectbox(label, names, key="data", bind="query-params")
    return cached_store(name)


def choose_run(*, with_predictions: bool = False, with_model: bool = False) -> Run | None:
    """A picker of runs, the newest first; None, with a way to make one, when there are none.

    Where predictions or a model are asked for, the bundled model can be chosen too.
    """
    runs = [
        run
        for run in list_runs()
        if (not with_predictions or run.has_predictions()) and (not with_model or run.has_model())
    ]
    if with_model:
        # Nobody brings generated patches: runs that came with the demo tissue answer last.
        own = [run for run in runs if not run.shipped()]
        runs = [*own, open_run(BUNDLED), *(run for run in runs if run.shipped())]
    elif with_predictions:
        runs = [*runs, open_run(BUNDLED)]
    if not runs:
        st.info("There is no trained run yet.", icon=":material/info:")
        st.page_link("../../pages/train.py", label="Train one", icon=":material/model_training:")
        return None
    titles = {run.id: _title(run) for run in runs}
    run_id = st.selectbox(
        "Run", list(titles), format_func=lambda run: titles[run], key="run", bind="query-params"
    )
    return open_run(run_id)


@st.cache_resource(show_spinner=False, max_entries=8, validate=is_current)
def cached_store(name: str) -> PatchStore:
    """An opened store, shared by all visitors until its files change."""
    return open_store(name)


def _title(run: Run) -> str:
    if run.bundled:
        return run.title
    return f"{run.config.name} · {run.id}" if run.config.name else run.id
