"""Home: introduction, data sets, latest runs and ways to add a data set."""

import streamlit as st

from idc.datasets.store import list_stores
from idc.ui.home.sections import add_data_section, pack_progress, runs_overview, stores_overview
from idc.ui.shared.data_set_actions import data_set_undo, deleted_data_sets
from idc.ui.shared.guard import error_sentences

st.title("IDC Lab")
st.markdown(
    "Invasive ductal carcinoma (IDC) is the most common breast cancer. Explore stained tissue cut "
    "into small square images (patches), train a neural network to find the cancer, see where it "
    "is right and wrong, and let it predict on your own images."
)

with error_sentences():
    pack_progress()
    data_set_undo()

if list_stores():
    with error_sentences():
        data, runs = st.columns(2, gap="large")
        with data:
            st.subheader("Data sets")
            stores_overview()
        with runs:
            st.subheader("Latest runs")
            runs_overview()
    st.subheader("Add a data set")
else:
    st.subheader("Start with a data set")
    with error_sentences():
        deleted_data_sets()
with error_sentences():
    add_data_section()
