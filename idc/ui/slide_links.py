"""Links from a patch to its place on the slide, as each run sees it."""

from collections.abc import Sequence
from pathlib import Path

import streamlit as st

from idc.neighbourhood import Place
from idc.runs import Run
from idc.store import PatchStore
from idc.ui.words import plain

_SLIDES = Path(__file__).resolve().parents[2] / "pages" / "slides.py"


def slide_links(store: PatchStore, place: Place, runs: Sequence[Run]) -> None:
    """One link a run: the case as a slide, with the run's answers over it."""
    if not _SLIDES.exists():
        return
    for run in runs:
        st.page_link(
            "../../pages/slides.py",
            label=f"The slide, as {plain(run.title)} sees it",
            icon=":material/map:",
            query_params={
                "data": store.name,
                "case": str(place.case),
                "run": run.id,
                "patch": str(place),
            },
        )
