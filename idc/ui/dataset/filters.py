"""Controls for browsing patches: filters, order and page."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import streamlit as st

from idc.datasets.description import DataDescription
from idc.datasets.measurements import MeasurementJob, measurement_job, start_measuring
from idc.datasets.patch_filter import (
    SORT_HELP,
    SORT_KEYS,
    SPLIT_PARTS,
    PatchColumns,
    PatchFilters,
    can_sort_by,
)
from idc.datasets.patch_filter_url import PAGE_SIZES, DatasetView
from idc.datasets.store import PatchStore
from idc.ui.dataset.view_url import current_view, show_view
from idc.ui.shared.formatting import escape_markdown
from idc.ui.shared.guard import error_sentences, guarded, guarded_fragment
from idc.wording import duration

_ANY = "any"
_LABELS = {_ANY: None, "negative": 0, "positive": 1}
_EDGES = {_ANY: None, "without": False, "only": True}
_EDGE_TITLES = {_ANY: "All", "without": "Full size", "only": "Edge patches"}
_PART_TITLES = {_ANY: "All", "train": "Training", "validation": "Validation", "test": "Test"}
_ORDER_ICONS = {"down": ":material/arrow_downward:", "up": ":material/arrow_upward:"}
_MISSING = {"measurements": "not measured yet", "predictions": "needs predictions of a run"}

Change = Callable[[DatasetView, Any], DatasetView]

_CHANGES: Mapping[str, Change] = {
    "cases": lambda view, cases: _with_filters(view, cases=tuple(sorted(cases))),
    "class": lambda view, name: _with_filters(view, label=_LABELS[name]),
    "part": lambda view, name: _with_filters(view, part=None if name == _ANY else name),
    "edge": lambda view, name: _with_filters(view, edge=_EDGES[name]),
    "tissue": lambda view, ends: _with_filters(view, tissue=ends),
    "sort": lambda view, name: replace(view, sort=name, descending=None, page=1),
    "order": lambda view, name: replace(view, descending=name == "down", page=1),
    "size": lambda view, size: view.with_size(size),
    "page": lambda view, page: replace(view, page=page),
}


def filters_and_order(
    columns: PatchColumns,
    description: DataDescription,
    view: DatasetView,
    fixed_params: Mapping[str, str],
) -> None:
    """One row of controls. Less frequent ones are in a popover, see `further_filters`."""
    if description.has_cases:
        st.multiselect(
            "Cases",
            columns.cases(),
            format_func=description.case_name,
            **_url_bound("cases", list(view.filters.cases), fixed_params),
            placeholder="All cases",
            width=230,
        )
    negative, positive = description.class_names
    labels = {_ANY: "Both", "negative": negative, "positive": positive}
    st.selectbox(
        "Class",
        list(_LABELS),
        format_func=labels.__getitem__,
        **_url_bound("class", _key_of(_LABELS, view.filters.label), fixed_params),
        width=150,
    )
    st.selectbox(
        "Sort by",
        list(SORT_KEYS),
        format_func=lambda name: _sort_title(columns, description, name),
        **_url_bound("sort", view.sort, fixed_params),
        help=SORT_HELP,
        width=180,
    )
    st.segmented_control(
        "Order",
        list(_ORDER_ICONS),
        format_func=_ORDER_ICONS.__getitem__,
        required=True,
        **_url_bound("order", "down" if view.is_descending else "up", fixed_params),
    )


def further_filters(
    columns: PatchColumns,
    description: DataDescription,
    view: DatasetView,
    fixed_params: Mapping[str, str],
) -> None:
    """Split part, patch size and tissue share."""
    side = description.side_px
    st.segmented_control(
        "Part of the run's split",
        [_ANY, *SPLIT_PARTS],
        format_func=lambda name: _PART_TITLES.get(name, "Unused"),
        required=True,
        disabled=columns.part is None,
        **_url_bound("part", view.filters.part or _ANY, fixed_params),
        help="The run learned from the training part, chose its best epoch on the validation part, "
        "and was scored at the end on the test part.",
    )
    if columns.part is None:
        st.caption("No run has trained on this data set yet, so there is no split.")
    st.segmented_control(
        "Patch size",
        list(_EDGES),
        format_func=_EDGE_TITLES.__getitem__,
        required=True,
        **_url_bound("edge", _key_of(_EDGES, view.filters.edge), fixed_params),
        help=f"Edge patches were smaller than {side} × {side} px and have been resized.",
    )
    st.slider(
        "Tissue share",
        0,
        100,
        step=5,
        format="%d %%",
        disabled=columns.measured is None,
        **_url_bound("tissue", view.filters.tissue, fixed_params),
        help="Share of stained pixels; glass and empty fat are not stained.",
    )


def clear_filters(view: DatasetView, fixed_params: Mapping[str, str], *, key: str) -> None:
    """A button that clears all filters; always drawn, so that the layout does not shift."""
    st.button(
        "Clear all filters",
        icon=":material/filter_alt_off:",
        type="tertiary",
        key=key,
        disabled=view.filters == PatchFilters(),
        on_click=guarded(show_view),
        args=(replace(view, filters=PatchFilters(), page=1), fixed_params),
    )


def pager(view: DatasetView, matches: int, fixed_params: Mapping[str, str]) -> None:
    """The number of matching patches, the page size and the page controls."""
    pages = view.pages(matches)
    page = min(view.page, pages)
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.markdown(f"**{matches:,}** patches", width="stretch")
        st.selectbox(
            "Patches per page",
            PAGE_SIZES,
            format_func=lambda size: f"{size} per page",
            **_url_bound("size", view.size, fixed_params),
            label_visibility="collapsed",
            width=130,
        )
        _page_button("Previous", -1, page, pages, fixed_params)
        st.number_input(
            "Page",
            1,
            pages,
            **_url_bound("page", page, fixed_params),
            label_visibility="collapsed",
            width=110,
        )
        st.markdown(f"of {pages:,}", width="content")
        _page_button("Next", 1, page, pages, fixed_params)


def _page_button(
    title: str, step: int, page: int, pages: int, fixed_params: Mapping[str, str]
) -> None:
    """A button to the previous or next page."""

    def turn() -> None:
        show_view(replace(current_view(), page=page + step), fixed_params)

    st.button(
        title,
        icon=":material/chevron_left:" if step < 0 else ":material/chevron_right:",
        key=f"roam_turn_{step}",
        disabled=not 1 <= page + step <= pages,
        on_click=guarded(turn),
    )


def measuring_status(store: PatchStore) -> None:
    """Progress of the measuring and a button to start it; nothing once it has finished."""
    job = measurement_job(store)
    if job is not None and job.state == "measuring":
        guarded_fragment(_measuring_status, run_every=1)(store, job)
    else:
        _measuring_status(store, job)


def _measuring_status(store: PatchStore, job: MeasurementJob | None) -> None:
    if job is not None and job.state == "measuring":
        left_s = job.left_s()
        progress = "starting" if left_s is None else f"{duration(left_s)} left"
        st.progress(
            job.done / max(job.total, 1),
            text=f"Measuring tissue and stain (once per data set): {progress}",
        )
        st.button("Stop", key="stop_measuring", icon=":material/stop:", on_click=guarded(job.stop))
        return
    if job is not None and job.state == "done":
        st.rerun()
    if job is not None and job.problem:
        st.error(escape_markdown(job.problem), icon=":material/error:")
    st.caption("Tissue share and stain are not measured yet. Measuring reads every pixel once.")
    st.button(
        "Measure them now",
        key="measure",
        icon=":material/straighten:",
        on_click=guarded(_start),
        args=(store,),
    )


def _start(store: PatchStore) -> None:
    start_measuring(store)


def _url_bound(name: str, value: Any, fixed_params: Mapping[str, str]) -> dict[str, Any]:
    """Arguments of a widget that shows a value from the URL and writes changes to it."""
    key = f"roam_{name}"
    st.session_state[key] = value
    return {"key": key, "on_change": _changed, "args": (name, fixed_params)}


def _changed(name: str, fixed_params: Mapping[str, str]) -> None:
    with error_sentences():
        show_view(_CHANGES[name](current_view(), st.session_state[f"roam_{name}"]), fixed_params)


def _with_filters(view: DatasetView, **changes: Any) -> DatasetView:
    return replace(view, filters=replace(view.filters, **changes), page=1)


def _key_of(values: Mapping[str, Any], value: Any) -> str:
    return next(key for key, entry in values.items() if entry is value or entry == value)


def sort_title(name: str, description: DataDescription) -> str:
    """The title of a sort order."""
    if name == "probability":
        return f"Probability of {description.target}"
    return SORT_KEYS[name].title


def _sort_title(columns: PatchColumns, description: DataDescription, name: str) -> str:
    title = sort_title(name, description)
    return title if can_sort_by(columns, name) else f"{title} ({_MISSING[SORT_KEYS[name].needs]})"
