"""Pickers of data sets and runs. The URL holds the choice, so a refresh or a link keeps it."""

from collections.abc import Container, Mapping

import streamlit as st

from idc.datasets.place import find_row, parse_place
from idc.datasets.store import PatchStore, is_current, list_stores, open_store
from idc.runs.run import BUNDLED_RUN_ID, Run, list_damaged_runs, list_runs, open_run
from idc.ui.shared import address
from idc.ui.shared.formatting import escape_markdown


def choose_store(label: str = "Data set", *, warn_missing: bool = True) -> PatchStore | None:
    """A picker of data sets. Without any, return None and show a link to Home.

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


def chosen_store_name() -> str | None:
    """Name of the data set in the picker of `choose_store`, also of a damaged one."""
    name = st.session_state.get("data")
    return name if name in list_stores() else None


def choose_run(
    *,
    with_predictions: bool = False,
    with_model: bool = False,
    with_damaged: bool = False,
    default: str = "",
) -> Run | None:
    """A picker of runs, newest first. Without any, return None and show a link to Train.

    With `with_predictions` or `with_model` the list includes the bundled model.

    Args:
        with_predictions: list only runs with saved predictions.
        with_model: list only runs with a trained model.
        with_damaged: list damaged runs that can still be evaluated, marked as damaged.
        default: id of the run chosen at first; the first run if it is not listed.
    """
    runs = [
        run
        for run in list_runs()
        if (not with_predictions or run.has_predictions()) and (not with_model or run.has_model())
    ]
    if with_model:
        # Uploads are real tissue, so runs trained on the demo tissue come last.
        own = [run for run in runs if not run.shipped()]
        runs = [*own, open_run(BUNDLED_RUN_ID), *(run for run in runs if run.shipped())]
    elif with_predictions:
        runs = [*runs, open_run(BUNDLED_RUN_ID)]
    titles = {run.id: run_title(run) for run in runs}
    if with_damaged:
        readable = [run for run in list_damaged_runs() if run.can_evaluate()]
        titles |= {run.id: f"{run.id} (damaged)" for run in readable}
    if not titles:
        st.info("There is no trained run yet.", icon=":material/info:")
        st.page_link("../../pages/train.py", label="Train one", icon=":material/model_training:")
        return None
    chosen = open_run(choose_from_titles("Run", titles, key="run", default=default))
    if with_damaged:
        damaged_note(leave_out=titles)
    return chosen


def damaged_note(leave_out: Container[str] = ()) -> None:
    """Name the damaged runs that a picker does not list, with what can be done.

    Args:
        leave_out: ids of those that it lists.
    """
    for run in list_damaged_runs():
        if run.id not in leave_out:
            st.caption(f":material/error: {escape_markdown(f'Not listed: {run.problem}')}")


def choose_from_titles(
    label: str,
    titles: Mapping[str, str],
    *,
    key: str,
    default: str = "",
    warn_missing: bool = True,
) -> str:
    """A picker of entries that have an id and a title; the URL holds the id.

    Streamlit's own ``bind`` is not used: it writes the title instead of the id, and it drops the
    parameter on a link between two pages that both have the picker.

    Args:
        titles: id -> title, at least one.
        key: of the widget, and the name of the query parameter.
        default: the id chosen at first; the first entry if it is not listed.
        warn_missing: warn when the URL names an id that is not listed.

    Returns:
        The chosen id.
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
        # The browser sends the title of the choice; after a rename it matches no entry.
        value = next(entry for entry in (latest, default, *titles) if entry in titles)
    if wanted and arrived:
        address.remember(f"{key}-missing", "" if wanted in titles else wanted)
    elif before is not None and latest is not None and value != latest:
        address.remember(f"{key}-missing", "" if latest in titles else latest)
    missing = address.latest(f"{key}-missing")
    if missing and warn_missing:
        st.warning(
            f"'{escape_markdown(missing[:100])}' does not exist (any more). Another one is shown.",
            icon=":material/search_off:",
        )
    ids = list(titles)
    renamed = st.session_state.get(f"{key}-title", titles[value]) != titles[value]
    if value != before or (value == latest and renamed):
        st.session_state[key] = value
        index = 0  # Streamlit rejects another default next to a value in the session state
    else:
        # Send the default too: a browser that missed the run that set the value shows entry 0.
        index = ids.index(value) if value == latest else 0
    st.session_state[f"{key}-title"] = titles[value]
    address.remember(key, value)
    chosen = st.selectbox(label, ids, index, format_func=lambda entry: titles[entry], key=key)
    if wanted != chosen:
        st.query_params[key] = chosen
    return chosen


def select_in_picker(key: str, chosen: str) -> None:
    """Choose another entry in the picker of this key, from the next script run on."""
    address.accept_again(key, chosen)
    st.query_params[key] = chosen


def reset_picker(key: str) -> None:
    """Reset the picker of this key to its default, without a warning about the missing entry."""
    st.session_state.pop(key, None)
    st.query_params.pop(key, None)


def linked_row(store: PatchStore) -> int | None:
    """The row of the patch that ``?patch=8863_451_1451`` names; None when the store has none."""
    place = parse_place(st.query_params.get("patch", ""))
    return None if place is None else find_row(store, place)


def cached_store(name: str) -> PatchStore:
    """Open a store once for all visitors, until its files change."""
    store = _cached_open_store(name)
    # Pages of the memory map stay resident once read; release them to bound the memory in use.
    store.release_pages()
    return store


@st.cache_resource(show_spinner=False, max_entries=8, validate=is_current)
def _cached_open_store(name: str) -> PatchStore:
    return open_store(name)


def run_title(run: Run) -> str:
    """A run's name, if any, and its id."""
    if run.bundled:
        return run.title
    return f"{run.title} · {run.id}" if run.title != run.id else run.id
