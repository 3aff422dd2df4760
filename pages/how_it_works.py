"""How it works: what a filter, a layer and a network do, to try with one's own hands."""

import streamlit as st

from idc.ui.how_it_works.chapters import choose_chapter, show_chapter
from idc.ui.shared.formatting import error_sentences

st.title("How it works")

chapter = choose_chapter()
with error_sentences():
    show_chapter(chapter)
