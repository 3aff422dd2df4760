"""Dataset: counts, sample patches of both classes, and a browser of all patches."""

import streamlit as st

from idc.ui.dataset.all_patches import browse_patches
from idc.ui.dataset.overview import counts_section, key_figures, sample_section
from idc.ui.shared.data_set_actions import data_set_actions, data_set_undo
from idc.ui.shared.guard import error_sentences, guarded
from idc.ui.shared.pickers import choose_store, chosen_store_name

VIEWS = {"overview": "Overview", "roam": "All patches"}  # URL value -> title of the tab

st.title("Dataset")


def keep_tab() -> None:
    """Write the chosen tab to the URL."""
    st.query_params["view"] = next(
        name for name, title in VIEWS.items() if title == st.session_state["tab"]
    )


with error_sentences():
    data_set_undo()
    store = choose_store()
    if store is None:
        st.stop()
    st.session_state["tab"] = VIEWS.get(st.query_params.get("view", ""), VIEWS["overview"])
    overview, all_patches = st.tabs(list(VIEWS.values()), key="tab", on_change=guarded(keep_tab))
    # Streamlit runs hidden tabs too, so draw only the open one.
    if overview.open:
        with overview:
            key_figures(store)
            counts_section(store)
            st.subheader("Sample patches of both classes")
            sample_section(store)
    if all_patches.open:
        with all_patches:
            browse_patches(store)

# Outside of the block above, because a damaged data set needs them most.
if name := chosen_store_name():
    data_set_actions(name)
