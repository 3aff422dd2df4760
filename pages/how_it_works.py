"""How it works: filters, layers and training, explained interactively."""

import streamlit as st

from idc.ui.how_it_works.chapters import choose_chapter, show_chapter
from idc.ui.shared.guard import error_sentences

st.title("How it works")

chapter = choose_chapter()
with error_sentences():
    show_chapter(chapter)
