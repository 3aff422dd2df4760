"""The overview of a data set: key figures, cases, and sample patches of both classes."""

import pandas as pd
import streamlit as st

from idc.datasets.cases import imbalance_note
from idc.datasets.sampling import alternating_sample
from idc.datasets.store import PatchStore
from idc.patches import PATCH_SIZE_PX
from idc.ui.components.patch_tiles import store_grid
from idc.ui.components.slide_viewer.case_slide import cached_case_table
from idc.ui.shared.figures import case_counts_figure, case_shares_figure, class_counts_figure
from idc.ui.shared.formatting import format_share, metric_row, store_origin
from idc.ui.shared.guard import guarded


def key_figures(store: PatchStore) -> None:
    """Numbers of patches, cases, positives and edge patches, and the completeness."""
    height, width = store.columns["height"], store.columns["width"]
    edge = int(((height < PATCH_SIZE_PX) | (width < PATCH_SIZE_PX)).sum())
    positive = int((store.labels == 1).sum())
    metric_row(
        [
            ("Patches", f"{len(store):,}", "Square images of 50 × 50 px: 200 × 200 µm of tissue."),
            (
                "Cases",
                f"{store.index['case'].nunique():,}",
                "One slide folder each.",
            ),
            (
                "IDC-positive",
                format_share(positive / len(store)),
                "Share of patches with this label.",
            ),
            (
                "Edge patches",
                f"{edge:,}",
                "Smaller than 50 × 50 px, at a slide's edge; resized.",
            ),
        ]
    )
    st.caption(store_origin(store))


def counts_section(store: PatchStore) -> None:
    """Patches per class, overall and per case, and what they mean for training."""
    cases = cached_case_table(store)
    negative, positive = (int((store.labels == label).sum()) for label in (0, 1))
    classes, sizes = st.columns([1, 2], gap="large")
    with classes:
        st.markdown("**Patches per class**")
        st.plotly_chart(
            class_counts_figure(negative, positive),
            key="classes",
            alt=f"{negative:,} IDC-negative and {positive:,} IDC-positive patches",
        )
    with sizes:
        st.markdown("**Patches per case**")
        st.plotly_chart(
            case_counts_figure(store.index),
            key="cases",
            alt="IDC-negative and IDC-positive patches of each case, largest case first",
        )
    st.markdown("**IDC-positive share per case**")
    st.plotly_chart(
        case_shares_figure(cases),
        key="shares",
        alt=f"Share of IDC-positive patches of each of {len(cases):,} cases, from "
        f"{cases['share'].min():.0%} to {cases['share'].max():.0%}",
    )
    st.markdown(imbalance_note(cases))
    _case_list(cases)


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
    store_grid(
        store,
        alternating_sample(store.index, 18, seed),
        key="sample",
        columns=6,
        label="18 IDC-negative and 18 IDC-positive patches, alternating",
    )


def _case_list(cases: pd.DataFrame) -> None:
    """A table of all cases, compared with the full set; drawn when opened."""
    listing = st.expander(
        "Case by case", icon=":material/table_rows:", key="case_list", on_change="rerun"
    )
    if not listing.open:
        return
    with listing:
        st.dataframe(
            cases.assign(complete=cases["patches"] / cases["expected"]),
            hide_index=True,
            column_config={
                "case": st.column_config.NumberColumn("Case", format="%d"),
                "patches": st.column_config.NumberColumn("Patches", format="localized"),
                "negative": st.column_config.NumberColumn("IDC-negative", format="localized"),
                "positive": st.column_config.NumberColumn("IDC-positive", format="localized"),
                "share": st.column_config.NumberColumn("IDC-positive share", format="percent"),
                "expected": st.column_config.NumberColumn("In the full set", format="localized"),
                "complete": st.column_config.ProgressColumn("Complete", format="percent"),
            },
            alt="Patches of every case, and their number in the full set",
        )
