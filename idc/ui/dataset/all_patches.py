"""Browse all patches of a data set: filters, order, pages, and one opened patch.

The view is kept only in the URL: each script run reads it and sets the widgets, and the widgets'
callbacks write it. Streamlit's own ``bind`` would lose it on the way to another page.
"""

from dataclasses import replace

import numpy as np
import streamlit as st

from idc.datasets.description import DataDescription
from idc.datasets.measurements import measurement_job, start_measuring
from idc.datasets.patch_filter import SORT_KEYS, PatchColumns, can_sort_by, sort_values
from idc.datasets.patch_filter_url import DatasetView
from idc.datasets.place import Place, find_row, place_of
from idc.datasets.store import PatchStore
from idc.runs.run import Run, open_run
from idc.ui.components.patch_detail import patch_detail
from idc.ui.components.patch_grid import PatchTile, patch_grid
from idc.ui.components.patch_tiles import short_class
from idc.ui.dataset.filters import (
    clear_filters,
    filters_and_order,
    further_filters,
    measuring_status,
    pager,
    sort_title,
)
from idc.ui.dataset.patch_cache import patch_source, runs_on
from idc.ui.dataset.view_url import current_view, show_view
from idc.ui.shared.formatting import escape_markdown
from idc.ui.shared.guard import error_sentences, guarded, guarded_fragment
from idc.ui.shared.pickers import choose_from_titles, run_title

_TILE_PX = 78  # minimum; seven fit beside the opened patch on a laptop


@guarded_fragment
def browse_patches(store: PatchStore) -> None:
    """Draw filters, grid and opened patch. A fragment: a click does not redraw the whole page."""
    with error_sentences():
        with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
            controls = st.container(
                horizontal=True, vertical_alignment="bottom", gap="small", width="content"
            )
            more = st.popover(_more_title(), icon=":material/tune:", key="roam_more")
        with more:
            run = _choose_run(store)
        fixed_params = {"data": store.name} | ({"run": run.id} if run else {})
        data = patch_source(store, run)
        view = _with_known_cases(current_view(), data.columns)
        with controls:
            filters_and_order(data.columns, store.description, view, fixed_params)
        with more:
            further_filters(data.columns, store.description, view, fixed_params)
            if data.columns.measured is None:
                _measure_once(store)
            clear_filters(view, fixed_params, key="roam_clear")
        matches = data.matches(view)
        pager(view, len(matches), fixed_params)
        left, right = st.columns([7, 3], gap="medium")
        with left:
            place = _grid(store, data.columns, view, matches, fixed_params)
        with right:
            _opened(store, run, data.columns, place, fixed_params)


def _more_title() -> str:
    """Title of the popover, with the number of active filters in it."""
    filters = current_view().filters
    hidden = sum([filters.part is not None, filters.edge is not None, filters.by_tissue])
    return f"More ({hidden})" if hidden else "More"


def _choose_run(store: PatchStore) -> Run | None:
    """The run whose split and predictions are shown."""
    runs = {run.id: run_title(run) for run in runs_on(store)}
    if not runs:
        return None
    return open_run(choose_from_titles("Run", runs, key="run"))


def _with_known_cases(view: DatasetView, columns: PatchColumns) -> DatasetView:
    """Drop cases that this data set does not hold; a link may refer to another one."""
    known = set(columns.cases()) if view.filters.cases else set()
    cases = tuple(case for case in view.filters.cases if case in known)
    return replace(view, filters=replace(view.filters, cases=cases))


def _measure_once(store: PatchStore) -> None:
    """Start measuring at the first visit, so that the values exist when they are needed."""
    if measurement_job(store) is None:
        start_measuring(store)
    measuring_status(store)


def _grid(
    store: PatchStore,
    columns: PatchColumns,
    view: DatasetView,
    matches: np.ndarray,
    fixed_params: dict[str, str],
) -> Place | None:
    """Show one page of patches. Returns the place of the opened patch, on any page."""
    page = view.shown(len(matches))
    rows = matches[page]
    if not can_sort_by(columns, view.sort):
        st.info(escape_markdown(_cannot_sort(view.sort, store.description)), icon=":material/info:")
    if not len(rows):
        st.info("No patch matches all filters.", icon=":material/filter_alt_off:")
        clear_filters(view, fixed_params, key="roam_clear_here")
    picked = patch_grid(
        store.patches[rows],
        _tiles(store, columns, rows, view.sort),
        key="roam_grid",
        tile_px=_TILE_PX,
        label=f"Patches {page.start + 1:,} to {page.start + len(rows):,} of {len(matches):,}",
        marks_opened=True,
        opened=find_row(store, view.patch) if view.patch else None,
    )
    if picked is None:
        return view.patch
    place = place_of(store, picked)
    show_view(replace(view, patch=place), fixed_params)
    return place


def _opened(
    store: PatchStore,
    run: Run | None,
    columns: PatchColumns,
    place: Place | None,
    fixed_params: dict[str, str],
) -> None:
    if place is None:
        around = ", with its surroundings on the slide" if store.description.has_places else ""
        st.caption(f"Choose a patch to see it enlarged{around}.")
        return
    row = find_row(store, place)
    if row is None:
        st.info(
            escape_markdown(f"This data set has no {_missing(place, store.description)}."),
            icon=":material/info:",
        )
    else:
        known = columns.probability
        patch_detail(
            store,
            row,
            run=run,
            probability=None if known is None else known[row],
            on_open=lambda other: show_view(replace(current_view(), patch=other), fixed_params),
        )

    def close() -> None:
        show_view(replace(current_view(), patch=None), fixed_params)

    st.button(
        "Close",
        icon=":material/close:",
        type="tertiary",
        key="roam_close",
        on_click=guarded(close),
    )


def _tiles(
    store: PatchStore, columns: PatchColumns, rows: np.ndarray, sort: str
) -> list[PatchTile]:
    # The caption shows the value sorted by; for error and doubt, the probability.
    figure = "probability" if SORT_KEYS[sort].needs == "predictions" else sort
    values = sort_values(columns, figure, rows)
    tiles, description = [], store.description
    for i, row in enumerate(rows):
        place, label = place_of(store, row), int(columns.label[row])
        caption = short_class(label, description)
        title = description.patch_title(place.case, place.x, place.y)
        details = f"{title}, labelled {description.class_name(label)}"
        if values is not None:
            caption = _metric_text(figure, float(values[i]))
            details += f", {_figure_name(figure, description)} {caption.removeprefix('p ')}"
        tiles.append(PatchTile(int(row), label, caption, details))
    return tiles


def _figure_name(figure: str, description: DataDescription) -> str:
    """ "tissue share"; for probabilities of another class than IDC with its name as it is."""
    if description.target == "IDC" or figure != "probability":
        return SORT_KEYS[figure].title.lower()
    return f"probability of {description.target}"


def _missing(place: Place, description: DataDescription) -> str:
    """What a link to a patch that does not exist names."""
    case = f" of case {description.case_name(place.case)}" if description.has_cases else ""
    if description.has_places:
        return f"patch at x {place.x}, y {place.y}{case}"
    return f"patch {place.x}{case}"


def _metric_text(figure: str, value: float) -> str:
    if np.isnan(value):
        return "no answer"
    return {"probability": f"p {value:.2f}", "tissue": f"{value:.0%}"}.get(figure, f"{value:.3f}")


def _cannot_sort(sort: str, description: DataDescription) -> str:
    reason = {
        "measurements": "Stain and tissue are not measured yet; see 'More'.",
        "predictions": "No run has predictions for this data set yet; train one first.",
    }[SORT_KEYS[sort].needs]
    title = sort_title(sort, description)
    return f"Cannot sort by '{title}'. {reason} Showing the order of the cases."
