"""Home: what this is, what there is, and what to do next."""

import streamlit as st

from idc.ui.get_data import get_data
from idc.ui.home_parts import demo_offer, pack_form, pack_progress, runs_overview, stores_overview
from idc.ui.words import error_sentences

st.title("IDC Lab")
st.markdown(
    "Invasive ductal carcinoma (IDC) is the commonest breast cancer. Explore stained tissue cut "
    "into small patches, train a network to find the cancer, see where it is right and wrong, and "
    "let it judge patches of your own."
)

with error_sentences():
    data, runs = st.columns(2, gap="large")
    with data:
        st.subheader("Data sets")
        stores_overview()
        pack_progress()
    with runs:
        st.subheader("Latest runs")
        runs_overview()

st.subheader("Add a data set")
with error_sentences():
    demo_offer()
    get_data()
    pack_form()
