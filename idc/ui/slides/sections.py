"""The sections of Slides: choosing a slide, its facts, the opened patch and the exports."""

import re
from collections.abc import Mapping
from typing import Any

import numpy as np
import streamlit as st

from idc.datasets.description import DataDescription
from idc.datasets.place import place_of
from idc.datasets.stitched_exports import slide_geojson, slide_png
from idc.datasets.stitched_slide import StitchedSlide, coverage_note
from idc.datasets.store import PatchStore
from idc.runs.run import Run
from idc.ui.components.patch_detail import patch_detail
from idc.ui.components.slide_viewer.case_slide import cached_case_table
from idc.ui.shared.formatting import (
    class_name,
    escape_markdown,
    format_share,
    generated_note,
    patch_count,
)
from idc.ui.shared.guard import guarded
from idc.ui.shared.pickers import linked_row
from idc.ui.slides.contact_sheet import SlideCard, contact_sheet

_CARDS_A_PAGE = 24
_MOST_POSITIVE = "Most IDC first"
_ORDERS = {
    "Number": ("case", True),
    _MOST_POSITIVE: ("share", False),
    "Largest first": ("patches", False),
}


def choose_slide(store: PatchStore) -> int | None:
    """Choose a case by number or step to its neighbours; None means the contact sheet.

    The URL holds the choice.
    """
    cases = cached_case_table(store)["case"].tolist()
    description = store.description
    if "open_next" in st.session_state:
        st.session_state["case"] = st.session_state.pop("open_next")
    with st.container(horizontal=True, vertical_alignment="bottom"):
        case = st.selectbox(
            "Case",
            cases,
            index=None,
            format_func=description.case_name,
            placeholder="Name" if description.case_names else "Number",
            key="case",
            bind="query-params",
            width=150,
        )
        if case is not None:
            at = cases.index(case)
            _step("Previous", ":material/chevron_left:", cases[at - 1] if at else None)
            _step("Next", ":material/chevron_right:", (cases[at + 1 :] or [None])[0])
            st.button(
                "All slides",
                icon=":material/apps:",
                key="all_slides",
                on_click=guarded(_open),
                args=(None,),
            )
    return case


def all_slides(store: PatchStore) -> None:
    """One page of the contact sheet; a click opens a slide."""
    table = cached_case_table(store).assign(
        share=lambda cases: cases["positive"] / cases["patches"]
    )
    with st.container(horizontal=True, vertical_alignment="bottom"):
        order = st.segmented_control(
            "Order",
            list(_ORDERS),
            default="Number",
            format_func=lambda order: _order_title(order, store.description),
            required=True,
            key="order",
            bind="query-params",
        )
        pages = -(-len(table) // _CARDS_A_PAGE)
        page = 1
        if pages > 1:
            page = st.pagination(pages, key="sheet", bind="query-params")
    column, ascending = _ORDERS[order or "Number"]
    table = table.sort_values(column, ascending=ascending, kind="stable")
    shown = table.iloc[(page - 1) * _CARDS_A_PAGE : page * _CARDS_A_PAGE]
    opened = contact_sheet(
        store,
        [_card(entry, store.description) for entry in shown.to_dict("records")],
        key="contacts",
    )
    st.caption(
        f"{len(table):,} slides. The orange bar shows the "
        f"{class_name(1, store.description)} share of a slide's "
        f"patches. {generated_note(store)}"
    )
    if opened is not None:
        st.session_state["open_next"] = opened  # the case field is already drawn in this script run
        st.rerun()


def slide_facts(store: PatchStore, slide: StitchedSlide) -> None:
    """Share of positives, size and completeness of a case, and whether it is generated."""
    description = store.description
    positive = format_share(float(np.mean(slide.labels)))
    size = f"{slide.width:,} × {slide.height:,} px"
    coverage = (
        coverage_note(slide) if description.is_idc_set else f"{patch_count(len(slide.rows))}."
    )
    if slide.size_mm is not None:
        width, height = slide.size_mm
        size = f"{width:.1f} × {height:.1f} mm"
    st.markdown(
        f"**Case {escape_markdown(description.case_name(slide.case))}**: {positive} "
        f"{class_name(1, description)}, {size}. {coverage} {generated_note(store)}"
    )


def open_patch(
    store: PatchStore,
    slide: StitchedSlide,
    row: int | None,
    run: Run | None,
    answers: np.ndarray | None,
) -> None:
    """Show the picked patch beside its slide.

    Args:
        answers: probabilities of the run, float32 (n,), nan where there is none.
    """
    if row is None:
        st.caption("Click a patch to see it enlarged, with its surroundings.")
        return
    probability = None if answers is None else float(answers[row - slide.rows[0]])
    patch_detail(store, row, run=run, probability=probability, with_slide_link=False)


def exports(store: PatchStore, slide: StitchedSlide, values: dict[str, np.ndarray]) -> None:
    """Downloads for other programs, computed on click."""
    description = store.description
    file_stem = "case-" + re.sub(r"[^\w.-]+", "-", description.case_name(slide.case))
    pixel_size = "" if slide.mpp_um is None else f"set its pixel size to {slide.mpp_um:g} µm, "
    with st.container(horizontal=True):
        st.download_button(
            "Slide as PNG",
            lambda: slide_png(store, slide),
            file_name=f"{file_stem}.png",
            mime="image/png",
            icon=":material/image:",
            key="png",
            on_click="ignore",
            help=f"All pixels at {description.scale_text()}, without layers; gaps are transparent. "
            "The viewer's own button saves the current view.",
        )
        st.download_button(
            "Patches as GeoJSON",
            lambda: slide_geojson(slide, values, description),
            file_name=f"{file_stem}.geojson",
            mime="application/geo+json",
            icon=":material/polyline:",
            key="geojson",
            on_click="ignore",
            help=f"For QuPath: open the PNG there, {pixel_size}and drop this file "
            "on it. One tile per patch, with label and probabilities.",
        )


def patch_in_url(store: PatchStore, slide: StitchedSlide) -> int | None:
    """The row that ``?patch=8863_451_1451`` names, if it is on this slide."""
    row = linked_row(store)
    return row if row is not None and int(store.cases[row]) == slide.case else None


def keep_patch_in_url(store: PatchStore, row: int | None) -> None:
    """Write the opened patch to the URL, or remove it."""
    wanted = None if row is None else str(place_of(store, row))
    if wanted is None:
        st.query_params.pop("patch", None)
    elif st.query_params.get("patch") != wanted:
        st.query_params["patch"] = wanted


def _step(label: str, icon: str, case: int | None) -> None:
    st.button(
        label, icon=icon, disabled=case is None, on_click=guarded(_open), args=(case,), key=label
    )


def _open(case: int | None) -> None:
    st.session_state["case"] = case


def _order_title(order: str, description: DataDescription) -> str:
    """The title of an order of slides, escaped for Markdown."""
    if order == "Number" and description.case_names:
        return "Name"
    if order == _MOST_POSITIVE:
        return escape_markdown(f"Most {description.target} first")
    return order


def _card(entry: Mapping[Any, Any], description: DataDescription) -> SlideCard:
    patches, expected = entry["patches"], entry["expected"]
    count = f"{patches:,} of {expected:,.0f}" if patches < expected else f"{patches:,}"
    return SlideCard(
        entry["case"],
        f"Case {description.case_name(entry['case'])}",
        entry["share"],
        f"{count} patches, {entry['share']:.0%} {description.target}",
    )
