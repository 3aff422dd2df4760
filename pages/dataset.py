"""Dataset: what the patches look like, and how many there are of each kind."""

import streamlit as st

from idc.figures import case_counts_figure, class_counts_figure
from idc.patches import PATCH_SIZE_PX
from idc.sampling import alternating_sample
from idc.ui.choose import choose_store
from idc.ui.home_parts import origin
from idc.ui.patches_shown import store_grid
from idc.ui.words import error_sentences, metric_row, share

st.title("Dataset")

with error_sentences():
    store = choose_store()
    if store is None:
        st.stop()
    negative, positive = (int((store.labels == label).sum()) for label in (0, 1))
    edge = int((store.index[["height", "width"]] < PATCH_SIZE_PX).any(axis=1).sum())
    metric_row(
        [
            ("Patches", f"{len(store):,}", "50 × 50 px each: 200 × 200 µm of tissue."),
            ("Cases", f"{store.index['case'].nunique():,}", "One slide folder each."),
            ("IDC-positive", share(positive / len(store)), "By the label of each patch."),
            ("Edge patches", f"{edge:,}", "Smaller than 50 × 50 px, at a slide's edge; resized."),
        ]
    )
    st.caption(origin(store))

    st.subheader("A look at both classes")
    seed_field, shuffle = st.columns([1, 5], vertical_alignment="bottom")
    shuffle.button(
        "Shuffle",
        icon=":material/shuffle:",
        on_click=lambda: st.session_state.update(seed=st.session_state.seed % 9_999 + 1),
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

    st.subheader("How many of each")
    classes, cases = st.columns([1, 2], gap="large")
    with classes:
        st.plotly_chart(
            class_counts_figure(negative, positive),
            key="classes",
            alt=f"{negative:,} IDC-negative and {positive:,} IDC-positive patches",
        )
    with cases:
        st.plotly_chart(
            case_counts_figure(store.index),
            key="cases",
            alt="IDC-negative and IDC-positive patches of each case, the largest case first",
        )
    st.caption(
        "Negative patches are commoner, so always answering 'negative' would already be right for "
        f"{share(negative / len(store))} of these. That is why IDC Lab shows balanced accuracy: "
        "the mean of how many patches of each class are recognised."
    )
