"""Dataset: how many patches there are of each kind, what they look like, and all of them."""

import streamlit as st

from idc.ui.dataset.all_patches import browse_patches
from idc.ui.dataset.overview import counts_section, key_figures, sample_section
from idc.ui.shared.formatting import error_sentences
from idc.ui.shared.pickers import choose_store

VIEWS = {"overview": "Overview", "roam": "All patches"}  # the URL's word -> the tab's

st.title("Dataset")


def keep_tab() -> None:
    """Put the chosen tab into the URL."""
    st.query_params["view"] = next(
        word for word, title in VIEWS.items() if title == st.session_state["tab"]
    )


with error_sentences():
    store = choose_store()
    if store is None:
        st.stop()
    st.session_state["tab"] = VIEWS.get(st.query_params.get("view", ""), VIEWS["overview"])
    overview, all_patches = st.tabs(list(VIEWS.values()), key="tab", on_change=keep_tab)
    # Hidden tabs would be computed too.
    if overview.open:
        with overview:
            key_figures(store)
            counts_section(store)
            st.subheader("A look at both classes")
            sample_section(store)
    if all_patches.open:
        with all_patches:
            browse_patches(store)
