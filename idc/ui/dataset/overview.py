"""The overview of a data set: key figures, cases, and sample patches of both classes."""

from typing import Any

import pandas as pd
import streamlit as st

from idc.datasets.cases import imbalance_note
from idc.datasets.description import DataDescription
from idc.datasets.sampling import alternating_sample
from idc.datasets.store import PatchStore
from idc.ui.components.patch_tiles import store_grid
from idc.ui.components.slide_viewer.case_slide import cached_case_table
from idc.ui.shared.figures import case_counts_figure, case_shares_figure, class_counts_figure
from idc.ui.shared.formatting import (
    class_name,
    escape_markdown,
    format_share,
    metric_row,
    store_origin,
)
from idc.ui.shared.guard import guarded

NO_CASES = (
    "This data set has no cases: patches of one patient cannot be told apart from those of others."
)


def key_figures(store: PatchStore) -> None:
    """Numbers of patches, cases, positives and edge patches, and the completeness."""
    height, width = store.columns["height"], store.columns["width"]
    description, side = store.description, store.description.side_px
    edge = int(((height < side) | (width < side)).sum())
    positive = int((store.labels == 1).sum())
    size = f"Square images of {side} × {side} px"
    if description.mpp_um is not None:
        size += f": {description.size_text(side, side)}"
    cases = (
        "Cases",
        f"{store.index['case'].nunique():,}",
        "One slide folder each." if description.is_idc_set else "Patches of one patient each.",
    )
    metric_row(
        [
            ("Patches", f"{len(store):,}", f"{size}."),
            *([cases] if description.has_cases else []),
            (
                class_name(1, description),
                format_share(positive / len(store)),
                "Share of patches with this label.",
            ),
            (
                "Edge patches",
                f"{edge:,}",
                f"Smaller than {side} × {side} px, at a slide's edge; resized.",
            ),
        ]
    )
    st.caption(store_origin(store))
    if not description.has_cases:
        st.caption(NO_CASES)


def counts_section(store: PatchStore) -> None:
    """Patches per class, overall and per case, and what they mean for training."""
    cases = cached_case_table(store)
    negative, positive = (int((store.labels == label).sum()) for label in (0, 1))
    description = store.description
    negative_name, positive_name = description.class_names
    classes, sizes = st.columns([1, 2], gap="large")
    with classes:
        st.markdown("**Patches per class**")
        st.plotly_chart(
            class_counts_figure(negative, positive, description.class_names),
            key="classes",
            alt=f"{negative:,} {negative_name} and {positive:,} {positive_name} patches",
        )
    if not description.has_cases:
        _imbalance(cases, description)
        return
    with sizes:
        st.markdown("**Patches per case**")
        st.plotly_chart(
            case_counts_figure(store.index, description),
            key="cases",
            alt=f"{negative_name} and {positive_name} patches of each case, largest case first",
        )
    st.markdown(f"**{class_name(1, description)} share per case**")
    st.plotly_chart(
        case_shares_figure(cases, description),
        key="shares",
        alt=f"Share of {positive_name} patches of each of {len(cases):,} cases, from "
        f"{cases['share'].min():.0%} to {cases['share'].max():.0%}",
    )
    _imbalance(cases, description)
    _case_list(cases, description)


def _imbalance(cases: pd.DataFrame, description: DataDescription) -> None:
    note = imbalance_note(cases, description)
    st.markdown(note if description.is_idc_set else escape_markdown(note))


def _next_seed() -> None:
    st.session_state.seed = st.session_state.seed % 9_999 + 1


def sample_section(store: PatchStore) -> None:
    """Random patches of both classes side by side."""
    seed_field, shuffle = st.columns([1, 5], vertical_alignment="bottom")
    shuffle.button(
        "Shuffle",
        icon=":material/shuffle:",
        on_click=guarded(_next_seed),
    )
    seed = seed_field.number_input(
        "Seed",
        0,
        9_999,
        value=0,
        key="seed",
        bind="query-params",
        help="The same number shows the same patches.",
    )
    negative_name, positive_name = store.description.class_names
    store_grid(
        store,
        alternating_sample(store.index, 18, seed),
        key="sample",
        columns=6,
        label=f"18 {negative_name} and 18 {positive_name} patches, alternating",
    )


def _case_list(cases: pd.DataFrame, description: DataDescription) -> None:
    """A table of all cases, the Kaggle set's compared with the full one; drawn when opened."""
    listing = st.expander(
        "Case by case", icon=":material/table_rows:", key="case_list", on_change="rerun"
    )
    if not listing.open:
        return
    negative, positive = description.class_names
    case_column: Any = st.column_config.NumberColumn("Case", format="%d")
    alt = "Patches of every case, and their number in the full set"
    if description.is_idc_set:
        cases = cases.assign(complete=cases["patches"] / cases["expected"])
    else:
        names = [description.case_name(case) for case in cases["case"]]
        cases = cases.drop(columns="expected").assign(case=names)
        case_column, alt = st.column_config.TextColumn("Case"), "Patches of every case"
    with listing:
        st.dataframe(
            cases,
            hide_index=True,
            column_config={
                "case": case_column,
                "patches": st.column_config.NumberColumn("Patches", format="localized"),
                "negative": st.column_config.NumberColumn(negative, format="localized"),
                "positive": st.column_config.NumberColumn(positive, format="localized"),
                "share": st.column_config.NumberColumn(f"{positive} share", format="percent"),
                "expected": st.column_config.NumberColumn("In the full set", format="localized"),
                "complete": st.column_config.ProgressColumn("Complete", format="percent"),
            },
            alt=alt,
        )
