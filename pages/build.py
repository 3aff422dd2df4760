"""Build: design a network, see its costs and train it."""

import streamlit as st

from idc.ui.build.sections import (
    choose_architecture,
    choose_data,
    show_network,
    side_of,
    train_section,
)
from idc.ui.shared.guard import error_sentences

st.title("Build")
st.caption("Design a network, see immediately what it costs, and train it.")

with error_sentences():
    form, network = st.columns([2, 5], gap="large")
    with form:
        store = choose_data()
        built = choose_architecture(side_of(store))
    with network:
        show_network(built, side_of(store))
    train_section(built, store)
