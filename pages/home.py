"""Home: what this is, what there is, and what to do next."""

import streamlit as st

from idc.datasets.store import list_stores
from idc.ui.home.sections import add_data_section, pack_progress, runs_overview, stores_overview
from idc.ui.shared.formatting import error_sentences

st.title("IDC Lab")
st.markdown(
    "Invasive ductal carcinoma (IDC) is the commonest breast cancer. Explore stained tissue cut "
    "into small patches, train a network to find the cancer, see where it is right and wrong, and "
    "let it judge patches of your own."
)

with error_sentences():
    pack_progress()

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
    st.subheader("First, a data set")
with error_sentences():
    add_data_section()
