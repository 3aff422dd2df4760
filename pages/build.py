"""Build: put a network together, see at once what it costs, and train it."""

import streamlit as st

from idc.ui.build.sections import choose_architecture, show_network, train_section
from idc.ui.shared.formatting import error_sentences

st.title("Build")
st.caption("A network of your own: change it, see at once what it costs, and train it.")

with error_sentences():
    form, network = st.columns([2, 5], gap="large")
    with form:
        built = choose_architecture()
    with network:
        show_network(built)
    train_section(built)
