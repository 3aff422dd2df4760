"""The sections of Evaluate. All of them follow one threshold."""

import functools
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from idc.datasets.splits import PROTOCOLS, split_note
from idc.evaluation.patch_selection import (
    HISTOGRAM_BINS,
    in_bar,
    in_case,
    in_cell,
    in_point,
    most_wrong,
)
from idc.evaluation.published import PUBLISHED, comparison_reasons
from idc.evaluation.results import Results
from idc.metrics.bootstrap import Interval, few_cases_note
from idc.metrics.calibration import BINS
from idc.metrics.scores import baseline
from idc.patches import CLASS_NAMES
from idc.report.document import report_html
from idc.report.export import predictions_file
from idc.runs.run import Run
from idc.runs.split import run_split
from idc.ui.components.confusion_matrix import CELL_NAMES, confusion_matrix
from idc.ui.evaluate.browser_predictions import (
    board_data,
    board_name,
    cached_bootstrap,
    content_of,
    validation_presets,
)
from idc.ui.evaluate.case_table import case_table
from idc.ui.evaluate.curve_plot import curve_data, curve_plot
from idc.ui.evaluate.opened_patch import scored_grid, scored_slide
from idc.ui.evaluate.patch_gallery import patch_gallery
from idc.ui.evaluate.probability_plot import plot_data, probability_plot
from idc.ui.evaluate.score_table import score_table
from idc.ui.evaluate.threshold_slider import threshold_slider
from idc.ui.shared.formatting import error_sentences, score
from idc.ui.shared.report_table import report_table

_WORST = 10  # patches of each kind of error

# The bar with the slider stays in sight while the page scrolls below it.
_STAY_IN_SIGHT = """<style>
@media (min-height: 600px) {
  [data-testid="stLayoutWrapper"]:has(> .st-key-threshold_bar) {
    position: sticky; top: 3.75rem; z-index: 90;
  }
}
</style>"""


BUNDLED_NOTE = (
    "This model comes with IDC Lab, trained on real patches. The 29 published validation cases "
    "chose its best epoch, temperature and threshold, so these scores flatter a little."
)


@dataclass(frozen=True)
class Evaluated:
    """Results at a threshold, with what all sections need of them."""

    run: Run
    results: Results
    board: str
    content: str
    threshold: float
    intervals: dict[str, Interval]


def evaluated(run: Run, results: Results) -> Evaluated:
    """Show the slider, and score the results at its threshold."""
    board, content = board_name(run, results), content_of(results)
    st.html(_STAY_IN_SIGHT)
    with st.container(key="threshold_bar"):
        threshold = threshold_slider(
            board,
            board_data(content, results),
            validation_presets(run),
            default=results.threshold,
            key="threshold_slider",
        )
    results.report(threshold)  # refuses answers that are not numbers
    intervals = dict(cached_bootstrap(content, results).intervals(threshold))
    return Evaluated(run, results, board, content, threshold, intervals)


def about(run: Run, results: Results) -> None:
    """What the scores are scores of, and what a reader must know about them."""
    cases = len(np.unique(results.cases))
    st.caption(
        f"Scored on the {results.part} part: {len(results.y_true):,} patches of {cases:,} cases, "
        f"best weights (epoch {run.best().get('epoch', '–')})."
    )
    if run.bundled:
        st.info(BUNDLED_NOTE, icon=":material/info:")
    elif results.store and (note := split_note(run_split(run, results.store))):
        st.warning(note, icon=":material/info:")
    if note := few_cases_note(cases):
        st.info(note, icon=":material/info:")


def scores(at: Evaluated) -> None:
    """The figures with their intervals."""
    negatives = float(np.mean(at.results.y_true == 0))
    score_table(at.board, at.threshold, at.intervals, negatives, key="scores")
    st.caption(
        "Intervals: 1,000 bootstrap draws of whole cases, because patches of one case are not "
        "independent. The bar is the 95 % interval, the box half of the cases, the line all of "
        "them. "
        f"Next to the accuracy: {baseline(negatives)}."
    )


@st.fragment
def matrix_section(at: Evaluated) -> None:
    """The matrix, and the patches behind the number that was chosen."""
    st.subheader("Confusion matrix")
    st.caption("Choose a number to see its patches.")
    matrix, _ = st.columns([3, 1])
    counts = at.results.report(at.threshold).confusion_matrix
    with matrix:
        cell = confusion_matrix(counts, key="matrix", selected=None, board=at.board)
    if cell is not None:
        where = in_cell(at.results, cell, at.threshold)
        patch_gallery(at.run, at.results, where, at.threshold, title=CELL_NAMES[cell], key="cell")


def curves_section(at: Evaluated) -> None:
    """Both curves, and what others have published on the same data."""
    st.subheader("Curves, against published work")
    auc, precision = at.intervals["roc_auc"].value, at.intervals["average_precision"].value
    curve_plot(at.board, _curve_data(at.content, at.results, auc, precision), key="curves")
    st.caption(
        "The dot is the threshold in use. Of the published results only balanced accuracy and F1 "
        "are told here, so each is a line: all points that have it. A curve that passes above and "
        "to the left of a ROC line (above and to the right of an F1 line) does better."
    )
    published_table(at)


@st.fragment
def probability_section(at: Evaluated) -> None:
    """Histogram and calibration, and the patches behind a bar or a point."""
    st.subheader("Probabilities")
    st.caption("Choose a bar or a point to see its patches. The dashed line is the threshold.")
    opened = probability_plot(at.board, _plot_data(at.content, at.results), key="probabilities")
    if opened is None:
        return
    number, results = opened["bin"], at.results
    if opened["kind"] == "bar":
        width, label = 1 / HISTOGRAM_BINS, opened["label"]
        where, what = in_bar(results, number, label), CLASS_NAMES[label]
    else:
        width, what = 1 / BINS, "All patches"
        where = in_point(results, number)
    title = f"{what}, probability {number * width:.2f} to {(number + 1) * width:.2f}"
    patch_gallery(at.run, results, where, at.threshold, title=title, key="probability")


@st.fragment
def errors_section(at: Evaluated) -> None:
    """The patches that are most wrong at the threshold in use."""
    st.subheader("Most wrong")
    if at.results.store is None:
        st.info("The pictures are in the real data set, which is not here yet.")
        return
    for label, title in ((0, "False alarms"), (1, "Missed IDC")):
        st.markdown(f"**{title}**, the most certain first")
        table = most_wrong(at.results, label, _WORST)
        key = f"errors_{label}"
        scored_grid(at.run, at.results, table, key=key, label=title, errors_of=at.board)


@st.fragment
def cases_section(at: Evaluated) -> None:
    """Each case by itself, and its patches or its slide."""
    st.subheader("Case by case")
    st.caption("Choose a case to see its patches.")
    numbers = np.unique(at.results.cases)
    case, slide = case_table(at.board, numbers, key="cases", slides=at.results.store is not None)
    if slide is not None:
        st.switch_page("../../pages/slides.py", query_params=_slide_address(at, slide))
    if case is not None:
        if at.results.store is not None:
            with error_sentences():
                scored_slide(at.run, at.results, case, key="evaluate_slide", board=at.board)
        where = in_case(at.results, case)
        title = f"Case {case}"
        patch_gallery(
            at.run, at.results, where, at.threshold, title=title, key="case", first="wrong"
        )


def published_table(at: Evaluated) -> None:
    """This run above the published results, and whether they may be compared."""
    reasons = comparison_reasons(at.run, at.results)
    if reasons:
        st.warning(
            "**Not comparable with the published results.** " + " ".join(reasons),
            icon=":material/balance:",
        )
    rows = [
        {
            "Result": "**This run**" + (" (not comparable)" if reasons else ""),
            "Balanced accuracy": _with_interval(at.intervals["balanced_accuracy"]),
            "F1, IDC class": _with_interval(at.intervals["f1"]),
            "Protocol": PROTOCOLS[at.run.config.protocol],
            "Source": f"{at.results.part} part, threshold {at.threshold:.3g}",
        }
    ]
    rows += [
        {
            "Result": result.name,
            "Balanced accuracy": score(result.balanced_accuracy),
            "F1, IDC class": score(result.f1),
            "Protocol": result.protocol,
            "Source": f"[{result.source}]({result.url})",
        }
        for result in PUBLISHED
    ]
    st.table(pd.DataFrame(rows).set_index("Result").rename_axis(None))
    for result in PUBLISHED:
        if result.remark:
            st.caption(f"{result.name}: {result.remark}")


def handout_section(at: Evaluated) -> None:
    """The report and the predictions, made when they are asked for."""
    st.subheader("To hand on")
    st.caption(
        f"At the threshold {at.threshold:.6g}. The report is one HTML file with figures, matrix, "
        "curves, slides, settings, versions and limits."
    )
    name = f"{at.run.id}-{at.results.part}"
    with st.container(horizontal=True):
        st.download_button(
            "Report (HTML)",
            lambda: report_html(at.run, at.results, at.threshold),
            f"{name}.html",
            "text/html",
            icon=":material/description:",
            on_click="ignore",
        )
        for kind, words in ((".csv", "Predictions (CSV)"), (".parquet", "Predictions (Parquet)")):
            st.download_button(
                words,
                functools.partial(predictions_file, at.results, at.threshold, kind),
                f"{name}{kind}",
                "text/csv" if kind == ".csv" else "application/vnd.apache.parquet",
                icon=":material/table:",
                on_click="ignore",
            )


def report_section(at: Evaluated) -> None:
    """Both classes in numbers."""
    st.subheader("Classification report")
    report_table(at.results.report(at.threshold).confusion_matrix)


def _slide_address(at: Evaluated, case: int) -> dict[str, str]:
    store = at.results.store
    data = {} if store is None else {"data": store.name}
    return {**data, "case": str(case), "run": at.run.id}


def _with_interval(interval: Interval) -> str:
    if interval.no_interval:
        return score(interval.value)
    return f"{score(interval.value)} ({score(interval.low)} – {score(interval.high)})"


@st.cache_data(max_entries=8, show_spinner=False)
def _curve_data(content: str, _results: Results, auc: float, precision: float) -> dict[str, Any]:
    return curve_data(_results, auc, precision)


@st.cache_data(max_entries=8, show_spinner=False)
def _plot_data(content: str, _results: Results) -> dict[str, Any]:
    return plot_data(_results)
