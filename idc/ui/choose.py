"""Choosing a data set or a run. The choice is in the URL, so a refresh or a link keeps it."""

from collections.abc import Mapping

import streamlit as st

from idc.runs import BUNDLED, Run, list_runs, open_run
from idc.store import PatchStore, is_current, list_stores, open_store
from idc.ui import address


def choose_store(label: str = "Data set") -> PatchStore | None:
    """A picker of data sets; None, with a way to get one, when there are none."""
    names = list_stores()
    if not names:
        st.info("There is no data set yet.", icon=":material/info:")
        st.page_link("../../pages/home.py", label="Get one on Home", icon=":material/home:")
        return None
    return cached_store(choose_titled(label, {name: name for name in names}, key="data"))


def choose_run(
    *, with_predictions: bool = False, with_model: bool = False, default: str = ""
) -> Run | None:
    """A picker of runs, the newest first; None, with a way to make one, when there are none.

    Where predictions or a model are asked for, the bundled model can be chosen too.

    Args:
        default: an id; the first run if it is not among them.
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
    titles = {run.id: run_title(run) for run in runs}
    return open_run(choose_titled("Run", titles, key="run", default=default))


def choose_titled(label: str, titles: Mapping[str, str], *, key: str, default: str = "") -> str:
    """A picker of things that have an id and a title; the id is in the URL.

    Streamlit's own ``bind`` would write the title there, so a link with an id would not work, and
    it drops the parameter on a link between two pages that both have the picker.

    Args:
        titles: id -> title, at least one.
        key: of the widget, and the name in the URL.
        default: an id; the first one if it is not among them.
    """
    wanted = st.query_params.get(key)
    arrived = key not in st.session_state or (
        wanted != address.latest(key) and not address.is_outdated(key, wanted)
    )
    if wanted in titles and arrived:
        st.session_state[key] = wanted
        address.remember(key, wanted)
    elif st.session_state.get(key) not in titles:
        st.session_state[key] = default if default in titles else next(iter(titles))
    chosen = st.selectbox(label, list(titles), format_func=lambda entry: titles[entry], key=key)
    address.remember(key, chosen)
    if wanted != chosen:
        st.query_params[key] = chosen
    return chosen


def put_into_address(key: str, chosen: str) -> None:
    """Let the picker of this key show another thing from the next run of the script on."""
    address.expect(key, chosen)
    st.query_params[key] = chosen


def cached_store(name: str) -> PatchStore:
    """An opened store, shared by all visitors until its files change."""
    store = _opened(name)
    store.let_go()  # what earlier pages have read, or the server would hold ever more of the file
    return store


@st.cache_resource(show_spinner=False, max_entries=8, validate=is_current)
def _opened(name: str) -> PatchStore:
    return open_store(name)


def run_title(run: Run) -> str:
    """A run's name, if it has one, and its id."""
    if run.bundled:
        return run.title
    return f"{run.title} · {run.id}" if run.title != run.id else run.id
