"""One patch enlarged, among its neighbours on the slide, with its facts."""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import streamlit as st

from idc.datasets.description import DataDescription
from idc.datasets.place import (
    GAP,
    Place,
    neighbour_rows,
    parse_place,
    place_of,
    stitch_neighbourhood,
)
from idc.datasets.store import PatchStore
from idc.runs.run import Run
from idc.ui.components.image_uri import png_uri
from idc.ui.components.own_component import own_component
from idc.ui.shared.formatting import coloured_class, escape_markdown
from idc.ui.shared.links import slide_link

_RADIUS_PATCHES = 2  # patches to each side

NO_PLACES = "This data set has no places, so there are no neighbours and no slide."

_view = own_component(__file__, "text_button")


def patch_detail(
    store: PatchStore,
    row: int,
    *,
    run: Run | None = None,
    probability: float | None = None,
    with_slide_link: bool = True,
    scroll_into_view: bool = True,
    on_open: Callable[[Place], None] | None = None,
) -> None:
    """Show a patch of a store. A click on a neighbour writes its place to the URL as ``patch``.

    Args:
        run: the run that predicted `probability`; linked to for a new prediction.
        probability: [0, 1]; None or nan if the run has no prediction for this patch.
        with_slide_link: offer a link to its slide; False where the slide is on the same page.
        scroll_into_view: scroll to a patch that opens outside the visible page.
        on_open: called with the place of a clicked neighbour instead of writing the URL.
    """
    place = place_of(store, row)
    entry = store.index.iloc[row]
    label = int(entry["label"])
    description = store.description
    st.markdown(_heading(place, description))
    _view(
        key="patch_detail",
        data={
            "place": str(place),
            "alt": _alt(place, description) + f", {description.class_name(label)}",
            "patch_px": description.side_px,
            "label": label,
            "scrolls": scroll_into_view,
            **surroundings(store, row),
        },
        on_open_change=partial(_open_neighbour, on_open),
    )
    st.markdown("  \n".join(_facts(entry, description, run, probability)))
    if not description.has_places:
        st.caption(NO_PLACES)
    _links(store, place, run, with_slide_link)


def surroundings(store: PatchStore, row: int) -> dict[str, Any]:
    """The data from which the browser draws a patch among its neighbours.

    Returns:
        "picture": PNG data URI, 5 x 5 patches, gaps transparent; "columns": 5; "cells": 25, None
        for a gap, else the place and label of the patch there, and its name for screen readers.
        Without places only the patch itself: "columns" 1, one cell.
    """
    if not store.description.has_places:
        return {
            "picture": png_uri(store.patches[row]),
            "columns": 1,
            "cells": [_cell(store, row)],
        }
    rows = neighbour_rows(store, row, _RADIUS_PATCHES)
    return {
        "picture": png_uri(stitch_neighbourhood(store, rows)),
        "columns": rows.shape[1],
        "cells": [None if other == GAP else _cell(store, int(other)) for other in rows.ravel()],
    }


def _cell(store: PatchStore, row: int) -> dict[str, Any]:
    place, label = place_of(store, row), int(store.labels[row])
    return {
        "place": str(place),
        "label": label,
        "name": f"x {place.x}, y {place.y}, labelled {store.description.class_name(label)}",
    }


def _open_neighbour(on_open: Callable[[Place], None] | None) -> None:
    """Open the place that the browser sent. The page checks whether it holds a patch."""
    place = parse_place(str(st.session_state["patch_detail"].get("open")))
    if place is not None and on_open is not None:
        on_open(place)
    elif place is not None:
        st.query_params["patch"] = str(place)


def _heading(place: Place, description: DataDescription) -> str:
    """ "**Case 8863**, x 451, y 1451", or what is known of it."""
    where = f"x {place.x}, y {place.y}" if description.has_places else f"patch {place.x}"
    if not description.has_cases:
        return f"**{where.capitalize()}**"
    return f"**Case {escape_markdown(description.case_name(place.case))}**, {where}"


def _alt(place: Place, description: DataDescription) -> str:
    if not description.has_places:
        title = description.patch_title(place.case, place.x, place.y)
        return title[0].upper() + title[1:]
    case = description.case_name(place.case)
    return f"Patch at x {place.x}, y {place.y} of case {case}"


def _facts(
    entry: Any, description: DataDescription, run: Run | None, probability: float | None
) -> list[str]:
    side = description.side_px
    size = description.size_text(min(entry.height, side), min(entry.width, side))
    facts = [f"Labelled {coloured_class(entry.label, description)}", size]
    if min(entry.height, entry.width) < side:
        facts.append(
            f"Edge patch: {entry.width} × {entry.height} px, resized to {side} × {side} px"
        )
    if run is not None:
        known = probability is not None and not np.isnan(probability)
        value = f"**{probability:.3f}**" if known else "no saved answer"
        facts.append(
            f"Probability of {escape_markdown(description.target)} by "
            f"{escape_markdown(run.title)}: {value}"
        )
    return facts


def _links(store: PatchStore, place: Place, run: Run | None, with_slide_link: bool) -> None:
    with st.container(horizontal=True, gap="small"):
        if with_slide_link:
            slide_link(store, place, "Show on the slide", [run] if run else [])
        if run is not None and run.has_model():
            st.page_link(
                "../../pages/predict.py",
                label="Predict",
                icon=":material/biotech:",
                query_params={"data": store.name, "patch": str(place), "run": run.id},
            )
