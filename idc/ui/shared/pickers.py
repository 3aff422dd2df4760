"""Choosing a data set or a run. The choice is in the URL, so a refresh or a link keeps it."""

from collections.abc import Mapping

import streamlit as st

from idc.datasets.place import find_row, parse_place
from idc.datasets.store import PatchStore, is_current, list_stores, open_store
from idc.runs.run import BUNDLED_RUN_ID, Run, list_runs, open_run
from idc.ui.shared import address
from idc.ui.shared.formatting import escape_markdown


def choose_store(label: str = "Data set", *, warn_missing: bool = True) -> PatchStore | None:
    """A picker of data sets; None, with a way to get one, when there are none.

    Args:
        warn_missing: as in `choose_from_titles`.
    """
    names = list_stores()
    if not names:
        st.info("There is no data set yet.", icon=":material/info:")
        st.page_link("../../pages/home.py", label="Get one on Home", icon=":material/home:")
        return None
    titles = {name: name for name in names}
    return cached_store(choose_from_titles(label, titles, key="data", warn_missing=warn_missing))


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
        runs = [*own, open_run(BUNDLED_RUN_ID), *(run for run in runs if run.shipped())]
    elif with_predictions:
        runs = [*runs, open_run(BUNDLED_RUN_ID)]
    if not runs:
        st.info("There is no trained run yet.", icon=":material/info:")
        st.page_link("../../pages/train.py", label="Train one", icon=":material/model_training:")
        return None
    titles = {run.id: run_title(run) for run in runs}
    return open_run(choose_from_titles("Run", titles, key="run", default=default))


def choose_from_titles(
    label: str,
    titles: Mapping[str, str],
    *,
    key: str,
    default: str = "",
    warn_missing: bool = True,
) -> str:
    """A picker of things that have an id and a title; the id is in the URL.

    Streamlit's own ``bind`` would write the title there, so a link with an id would not work, and
    it drops the parameter on a link between two pages that both have the picker.

    Args:
        titles: id -> title, at least one.
        key: of the widget, and the name in the URL.
        default: an id; the first one if it is not among them.
        warn_missing: warn when the URL names an id that does not exist.
    """
    wanted, latest = st.query_params.get(key), address.latest(key)
    arrived = key not in st.session_state or (
        wanted != latest and not address.is_outdated(key, wanted)
    )
    before = st.session_state.get(key)
    value = str(before or "")
    if wanted and arrived and wanted in titles:
        value = wanted
    elif value not in titles:
        # The browser tells a choice by its title, so one renamed meanwhile comes as no id.
        value = next(entry for entry in (latest, default, *titles) if entry in titles)
    if wanted and arrived:
        address.remember(f"{key}-missing", "" if wanted in titles else wanted)
    elif before is not None and latest is not None and value != latest:
        address.remember(f"{key}-missing", "" if latest in titles else latest)
    missing = address.latest(f"{key}-missing")
    if missing and warn_missing:
        st.warning(
            f"There is no '{escape_markdown(missing[:100])}' here (any more); another one is "
            "shown.",
            icon=":material/search_off:",
        )
    ids = list(titles)
    renamed = st.session_state.get(f"{key}-title", titles[value]) != titles[value]
    if value != before or (value == latest and renamed):
        st.session_state[key] = value
        index = 0  # Streamlit wants no other one besides
    else:
        # Or a browser that misses the answer in which the value was set shows the first one.
        index = ids.index(value) if value == latest else 0
    st.session_state[f"{key}-title"] = titles[value]
    address.remember(key, value)
    chosen = st.selectbox(label, ids, index, format_func=lambda entry: titles[entry], key=key)
    if wanted != chosen:
        st.query_params[key] = chosen
    return chosen


def select_in_picker(key: str, chosen: str) -> None:
    """Let the picker of this key show another thing from the next run of the script on."""
    address.accept_again(key, chosen)
    st.query_params[key] = chosen


def reset_picker(key: str) -> None:
    """Let the picker of this key begin anew: what was chosen has gone, as was meant."""
    st.session_state.pop(key, None)
    st.query_params.pop(key, None)


def linked_row(store: PatchStore) -> int | None:
    """The row of the patch that ``?patch=8863_451_1451`` names; None when the store has none."""
    place = parse_place(st.query_params.get("patch", ""))
    return None if place is None else find_row(store, place)


def cached_store(name: str) -> PatchStore:
    """An opened store, shared by all visitors until its files change."""
    store = _cached_open_store(name)
    # Pages that were read stay in memory: release them, or the server would hold the whole file.
    store.release_pages()
    return store


@st.cache_resource(show_spinner=False, max_entries=8, validate=is_current)
def _cached_open_store(name: str) -> PatchStore:
    return open_store(name)


def run_title(run: Run) -> str:
    """A run's name, if it has one, and its id."""
    if run.bundled:
        return run.title
    return f"{run.title} · {run.id}" if run.title != run.id else run.id
