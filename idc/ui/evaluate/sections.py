"""The sections of Evaluate, which share one threshold."""

import functools
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from idc.datasets.splits import PROTOCOLS, split_note
from idc.evaluation.patch_selection import (
    HISTOGRAM_BINS,
    in_calibration_point,
    in_case,
    in_cell,
    in_histogram_bar,
    most_wrong,
)
from idc.evaluation.published import PUBLISHED, why_run_not_comparable
from idc.evaluation.results import Results
from idc.metrics.bootstrap import NO_CASES_NOTE, Interval, few_cases_note
from idc.metrics.calibration import CALIBRATION_BINS
from idc.metrics.scores import baseline_note, one_class_note
from idc.report.document import report_html
from idc.report.export import predictions_file
from idc.runs.run import Run
from idc.runs.split import run_split
from idc.ui.components.confusion_matrix import cell_names, confusion_matrix
from idc.ui.evaluate.browser_predictions import (
    cached_bootstrap,
    predictions_id,
    predictions_payload,
    results_digest,
    validation_presets,
)
from idc.ui.evaluate.case_table import case_table
from idc.ui.evaluate.curve_plot import curve_data, curve_plot
from idc.ui.evaluate.opened_patch import scored_grid, scored_slide
from idc.ui.evaluate.patch_gallery import patch_gallery
from idc.ui.evaluate.probability_plot import plot_data, probability_plot
from idc.ui.evaluate.score_table import score_table
from idc.ui.evaluate.threshold_slider import threshold_slider
from idc.ui.shared.formatting import escape_markdown, format_score
from idc.ui.shared.guard import error_sentences, guarded_fragment
from idc.ui.shared.report_table import report_table
from idc.ui.shared.run_export import run_export

_ERRORS_SHOWN = 10  # patches per kind of error

# Keep the slider visible while the page scrolls.
_STICKY_SLIDER_CSS = """<style>
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
class ThresholdedResults:
    """Results at a threshold, with the values that all sections need."""

    run: Run
    results: Results
    predictions_id: str
    digest: str
    threshold: float
    intervals: dict[str, Interval]


def choose_threshold(run: Run, results: Results) -> ThresholdedResults:
    """Show the slider, and score the results at its threshold."""
    identity, digest = predictions_id(run, results), results_digest(results)
    st.html(_STICKY_SLIDER_CSS)
    with st.container(key="threshold_bar"):
        threshold = threshold_slider(
            identity,
            predictions_payload(digest, results),
            validation_presets(run),
            default=results.threshold,
            key="threshold_slider",
        )
    results.report(threshold)  # raises an error for predictions that are not numbers
    intervals = dict(cached_bootstrap(digest, results).intervals(threshold))
    return ThresholdedResults(run, results, identity, digest, threshold, intervals)


def scope_section(run: Run, results: Results) -> None:
    """The scored part, and the cautions that apply to its scores."""
    cases = len(np.unique(results.cases))
    about = run.description()
    of_cases = f" of {cases:,} case{'' if cases == 1 else 's'}" if about.has_cases else ""
    st.caption(
        f"Scored on the {results.part} part: {len(results.y_true):,} patches{of_cases}, "
        f"best weights (epoch {run.best().get('epoch', '–')})."
    )
    if run.bundled:
        st.info(BUNDLED_NOTE, icon=":material/info:")
    elif results.store and (note := split_note(run_split(run, results.store), about)):
        st.warning(note, icon=":material/info:")
    if not about.has_cases:
        st.info(NO_CASES_NOTE, icon=":material/info:")
    elif note := few_cases_note(cases):
        st.info(note, icon=":material/info:")


def scores_section(scored: ThresholdedResults) -> None:
    """The scores with their intervals."""
    negative_share = float(np.mean(scored.results.y_true == 0))
    if note := one_class_note(scored.results.y_true):
        st.info(note, icon=":material/info:")
    score_table(
        scored.predictions_id, scored.threshold, scored.intervals, negative_share, key="scores"
    )
    intervals = (
        "Intervals come from 1,000 bootstrap draws of whole cases, because patches of one case are "
        "not independent. The bar is the 95 % interval, the box spans the middle half of the "
        "cases, the line all cases. "
    )
    st.caption(
        (intervals if scored.results.description.has_cases else "")
        + f"Next to the accuracy: {baseline_note(negative_share)}."
    )


@guarded_fragment
def matrix_section(scored: ThresholdedResults) -> None:
    """The confusion matrix and the patches of the chosen cell."""
    st.subheader("Confusion matrix")
    st.caption("Choose a number to see its patches.")
    matrix, _ = st.columns([3, 1])
    counts = scored.results.report(scored.threshold).confusion_matrix
    with matrix:
        cell = confusion_matrix(
            counts,
            key="matrix",
            selected=None,
            predictions_id=scored.predictions_id,
            class_names=scored.results.class_names,
        )
    if cell is not None:
        where = in_cell(scored.results, cell, scored.threshold)
        patch_gallery(
            scored.run,
            scored.results,
            where,
            scored.threshold,
            title=cell_names(scored.results.class_names)[cell],
            key="cell",
        )


def curves_section(scored: ThresholdedResults) -> None:
    """Both curves; for the IDC set also the published results on the same data."""
    is_idc_set = scored.run.description().is_idc_set
    st.subheader("Curves and published results" if is_idc_set else "Curves")
    auc, precision = scored.intervals["roc_auc"].value, scored.intervals["average_precision"].value
    curve_plot(
        scored.predictions_id,
        _curve_data(scored.digest, scored.results, auc, precision, is_idc_set),
        key="curves",
    )
    if not is_idc_set:
        st.caption("The dot is the current threshold.")
        return
    st.caption(
        "The dot is the current threshold. A published balanced accuracy or F1 is drawn as the "
        "line of all points with that score. A curve that passes above and to the left of a ROC "
        "line (above and to the right of an F1 line) is better."
    )
    published_table(scored)


@guarded_fragment
def probability_section(scored: ThresholdedResults) -> None:
    """Histogram and calibration plot, and the patches of the chosen bar or point."""
    st.subheader("Probabilities")
    st.caption("Choose a bar or a point to see its patches. The dashed line is the threshold.")
    opened = probability_plot(
        scored.predictions_id,
        _plot_data(scored.digest, scored.results),
        key="probabilities",
        class_names=scored.results.class_names,
    )
    if opened is None:
        return
    bin_number, results = opened["bin"], scored.results
    if opened["kind"] == "bar":
        width, label = 1 / HISTOGRAM_BINS, opened["label"]
        where, subject = in_histogram_bar(results, bin_number, label), results.class_names[label]
    else:
        width, subject = 1 / CALIBRATION_BINS, "All patches"
        where = in_calibration_point(results, bin_number)
    title = f"{subject}, probability {bin_number * width:.2f} to {(bin_number + 1) * width:.2f}"
    patch_gallery(scored.run, results, where, scored.threshold, title=title, key="probability")


@guarded_fragment
def errors_section(scored: ThresholdedResults) -> None:
    """The most wrong patches at the current threshold."""
    st.subheader("Most wrong")
    if scored.results.store is None:
        st.info("The images are in the real data set, which is not installed yet.")
        return
    target = escape_markdown(scored.results.description.target)
    for label, title in ((0, "False alarms"), (1, f"Missed {target}")):
        st.markdown(f"**{title}**, most certain first")
        table = most_wrong(scored.results, label, _ERRORS_SHOWN)
        key = f"errors_{label}"
        scored_grid(
            scored.run, scored.results, table, key=key, label=title, errors_of=scored.predictions_id
        )


@guarded_fragment
def cases_section(scored: ThresholdedResults) -> None:
    """All cases, and the patches and slide of the chosen case."""
    about = scored.results.description
    st.subheader("Case by case")
    if not about.has_cases:
        st.caption("The data set has no cases, so there are no scores case by case.")
        return
    st.caption("Choose a case to see its patches.")
    numbers = np.unique(scored.results.cases)
    case, slide = case_table(
        scored.predictions_id,
        numbers,
        key="cases",
        slides=scored.results.store is not None and about.has_places,
        description=about,
    )
    if slide is not None:
        st.switch_page("../../pages/slides.py", query_params=_slide_query(scored, slide))
    if case is not None:
        if scored.results.store is not None:
            with error_sentences():
                scored_slide(
                    scored.run,
                    scored.results,
                    case,
                    key="evaluate_slide",
                    predictions_id=scored.predictions_id,
                )
        where = in_case(scored.results, case)
        title = f"Case {about.case_name(case)}"
        patch_gallery(
            scored.run,
            scored.results,
            where,
            scored.threshold,
            title=title,
            key="case",
            initial_order="wrong",
        )


def published_table(scored: ThresholdedResults) -> None:
    """This run and the published results, with the reasons why they are not comparable."""
    reasons = why_run_not_comparable(scored.run, scored.results)
    if reasons:
        st.warning(
            "**Not comparable with the published results.** " + " ".join(reasons),
            icon=":material/balance:",
        )
    rows = [
        {
            "Result": "**This run**" + (" (not comparable)" if reasons else ""),
            "Balanced accuracy": scored.intervals["balanced_accuracy"].text(),
            "F1, IDC class": scored.intervals["f1"].text(),
            "Protocol": PROTOCOLS[scored.run.config.protocol],
            "Source": f"{scored.results.part} part, threshold {scored.threshold:.3g}",
        }
    ]
    rows += [
        {
            "Result": result.name,
            "Balanced accuracy": format_score(result.balanced_accuracy),
            "F1, IDC class": format_score(result.f1),
            "Protocol": result.protocol,
            "Source": f"[{result.source}]({result.url})",
        }
        for result in PUBLISHED
    ]
    st.table(pd.DataFrame(rows).set_index("Result").rename_axis(None))
    for result in PUBLISHED:
        if result.remark:
            st.caption(f"{result.name}: {result.remark}")


def export_section(scored: ThresholdedResults) -> None:
    """Downloads of the report and the predictions, created on request."""
    st.subheader("Export")
    st.caption(
        f"At the threshold {scored.threshold:.6g}. The report is one HTML file with figures, "
        "matrix, curves, slides, settings, versions and limitations."
    )
    name = f"{scored.run.id}-{scored.results.part}"
    with st.container(horizontal=True):
        st.download_button(
            "Report (HTML)",
            lambda: report_html(scored.run, scored.results, scored.threshold),
            f"{name}.html",
            "text/html",
            icon=":material/description:",
            on_click="ignore",
        )
        for suffix, button_label in (
            (".csv", "Predictions (CSV)"),
            (".parquet", "Predictions (Parquet)"),
        ):
            st.download_button(
                button_label,
                functools.partial(predictions_file, scored.results, scored.threshold, suffix),
                f"{name}{suffix}",
                "text/csv" if suffix == ".csv" else "application/vnd.apache.parquet",
                icon=":material/table:",
                on_click="ignore",
            )
    run_export(scored.run)


def report_section(scored: ThresholdedResults) -> None:
    """The classification report, one row per class."""
    st.subheader("Classification report")
    matrix = scored.results.report(scored.threshold).confusion_matrix
    report_table(matrix, scored.results.class_names)


def _slide_query(scored: ThresholdedResults, case: int) -> dict[str, str]:
    store = scored.results.store
    data = {} if store is None else {"data": store.name}
    return {**data, "case": str(case), "run": scored.run.id}


@st.cache_data(max_entries=8, show_spinner=False)
def _curve_data(
    digest: str, _results: Results, auc: float, precision: float, with_published: bool
) -> dict[str, Any]:
    return curve_data(_results, auc, precision, with_published=with_published)


@st.cache_data(max_entries=8, show_spinner=False)
def _plot_data(digest: str, _results: Results) -> dict[str, Any]:
    return plot_data(_results)
