"""Compare: a slide with the predictions of two runs and their disagreements."""

import streamlit as st

from idc.datasets.place import place_of
from idc.datasets.stitched_slide import lay_out_case
from idc.evaluation.compared_runs import ComparedRuns
from idc.prediction.case_predictions import saved_probabilities
from idc.ui.components.slide_viewer.case_slide import show_slide
from idc.ui.components.slide_viewer.slide_viewer import KEEP_PICK
from idc.ui.shared.formatting import escape_markdown


def slide_of_both_runs(result: ComparedRuns, number: int, thresholds: list[float]) -> None:
    """Show a chosen case as a slide; cases are listed by number of disagreements."""
    st.subheader("On the slide")
    about = result.store.description
    disagreements = result.disagreements(number, thresholds)["case"].value_counts()
    cases = [*disagreements.index, *sorted(set(result.cases.tolist()) - set(disagreements.index))]
    case = st.selectbox(
        "Case",
        cases,
        format_func=lambda case: (
            f"{about.case_name(case)} ({disagreements.get(case, 0):,} disagreements)"
        ),
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
        "Choose a layer in the viewer: the saved predictions of either run as a heat map, or the "
        "patches on which the runs disagree. A run has no predictions for its training patches."
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
        label = result.store.description.class_name(result.store.labels[row])
        probabilities = ", ".join(
            f"{escape_markdown(title)} {y_prob[row - slide.rows[0]]:.3f}"
            for title, y_prob in values.items()
        )
        st.caption(f"{place_of(result.store, row)}, labelled {label}: {probabilities}")
