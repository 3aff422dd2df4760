"""Compare: a slide with the answers of two runs over it, and where they disagree."""

import streamlit as st

from idc.datasets.place import place_of
from idc.datasets.stitched_slide import lay_out_case
from idc.evaluation.compared_runs import ComparedRuns
from idc.patches import CLASS_NAMES
from idc.prediction.case_predictions import saved_probabilities
from idc.ui.components.slide_viewer.case_slide import show_slide
from idc.ui.components.slide_viewer.slide_viewer import KEEP_PICK


def slide_of_both_runs(result: ComparedRuns, number: int, thresholds: list[float]) -> None:
    """One compared case as a slide, those with the most disagreements first."""
    st.subheader("On the slide")
    disagreements = result.disagreements(number, thresholds)["case"].value_counts()
    cases = [*disagreements.index, *sorted(set(result.cases.tolist()) - set(disagreements.index))]
    case = st.selectbox(
        "Case",
        cases,
        format_func=lambda case: f"{case} ({disagreements.get(case, 0):,} disagreements)",
        key="compared_case",
        width=320,
    )
    runs = [result.runs[0], result.runs[number]]
    titles = [run.title if runs[0].title != runs[1].title else run.id for run in runs]
    slide = lay_out_case(result.store, int(case))
    values = {
        title: saved_probabilities(run, result.store, slide.rows)
        for title, run in zip(titles, runs, strict=True)
    }
    st.caption(
        "Saved answers, heat map of either run and the patches on which they disagree: choose the "
        "layer in the viewer. Patches that a run trained on have no answer of it here."
    )
    row = show_slide(
        result.store,
        slide,
        values,
        threshold=thresholds[0],
        thresholds=dict(zip(titles, (thresholds[0], thresholds[number]), strict=True)),
        picked=KEEP_PICK,
    )
    if row is not None:
        label = CLASS_NAMES[int(result.store.labels[row])]
        answers = ", ".join(
            f"{title} {answer[row - slide.rows[0]]:.3f}" for title, answer in values.items()
        )
        st.caption(f"{place_of(result.store, row)}, labelled {label}: {answers}")
