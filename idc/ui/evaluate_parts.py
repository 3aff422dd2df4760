"""The pieces of Evaluate."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
import streamlit as st

from idc.calibration import Calibration, calibration_error, reliability
from idc.evaluation import Report, classification_report, evaluate, roc_points
from idc.figures import epoch_figure, reliability_figure, roc_figure
from idc.results import Results, run_split
from idc.runs import Run
from idc.splits import split_note
from idc.ui.confusion_matrix import CELL_NAMES, confusion_matrix
from idc.ui.patches_shown import store_grid
from idc.ui.words import metric_row, score

_TILES_A_PAGE = 48

BUNDLED_NOTE = (
    "This model comes with IDC Lab, trained on real patches. The 29 published validation cases "
    "chose its best epoch, temperature and threshold, so these scores flatter a little."
)


def headline(run: Run, results: Results, report: Report) -> None:
    """The scores that matter first, and what they are scores of."""
    cases = len(np.unique(results.cases))
    st.caption(
        f"Scored on the {results.part} part: {report.n:,} patches of {cases:,} cases, best weights "
        f"(epoch {run.best().get('epoch', '–')}), IDC-positive from a probability of "
        f"{report.threshold:.3g} on."
    )
    if run.bundled:
        st.info(BUNDLED_NOTE, icon=":material/info:")
    elif results.store and (note := split_note(run_split(run, results.store))):
        st.warning(note, icon=":material/info:")
    metric_row(
        [
            (
                "Balanced accuracy",
                score(report.balanced_accuracy),
                "Mean of sensitivity and specificity; 0.5 is guessing.",
            ),
            ("Sensitivity", score(report.sensitivity), "Share of the IDC-positive patches found."),
            (
                "Specificity",
                score(report.specificity),
                "Share of the IDC-negative patches recognised as such.",
            ),
            ("F1", score(report.f1), "Harmonic mean of precision and sensitivity, IDC class."),
            (
                "ROC AUC",
                score(report.roc_auc),
                "How often a positive patch gets a higher probability than a negative one.",
            ),
            ("Accuracy", score(report.accuracy), "Share of right answers."),
        ]
    )
    st.caption(
        f"Always answering with the commoner class would score {score(report.majority_accuracy)} "
        "accuracy."
    )


def cell_images(results: Results, report: Report) -> None:
    """The matrix, and the patches behind the number that was chosen."""
    st.subheader("Confusion matrix")
    st.caption("Choose a number to see its patches, the most certain answers first.")
    matrix, _ = st.columns([3, 1])
    with matrix:
        cell = confusion_matrix(report.confusion_matrix, key="matrix", selected=None)
    if cell is None:
        return
    table = results.cell(cell, report.threshold)
    st.markdown(f"**{CELL_NAMES[cell]}**: {len(table):,} patches")
    if table.empty:
        st.caption("No patch is in this cell.")
        return
    if results.store is None:
        st.info("The pictures are in the real data set, which is not here yet.")
        st.page_link("../../pages/home.py", label="Get it on Home", icon=":material/home:")
        return
    pages = -(-len(table) // _TILES_A_PAGE)
    page = 1
    if pages > 1:
        page = st.pagination(pages, key=f"page_{cell}_{results.part}")
    shown = table.iloc[(page - 1) * _TILES_A_PAGE : page * _TILES_A_PAGE]
    store_grid(results.store, shown, key="cell_grid", label=CELL_NAMES[cell])


def report_and_roc(results: Results, report: Report) -> None:
    """Both classes in numbers, and the curve over all thresholds."""
    left, right = st.columns(2, gap="large")
    with left:
        st.subheader("Classification report")
        report_table(report.confusion_matrix)
    with right:
        st.subheader("ROC curve")
        points = roc_points(results.y_true, results.y_prob)
        if points.empty:
            st.info("Undefined: this part holds patches of one class only.")
            return
        at = (1 - report.specificity, report.sensitivity)
        st.plotly_chart(
            roc_figure(points, report.roc_auc, at),
            key="roc",
            alt=f"ROC curve, area under the curve {report.roc_auc:.3f}",
        )


def report_table(confusion_matrix: Sequence[Sequence[int]]) -> None:
    """The classification report, with its words explained."""
    table = classification_report(confusion_matrix)
    for name in ("precision", "recall", "f1"):
        table[name] = [score(value) for value in table[name]]
    table["patches"] = [f"{count:,}" for count in table["patches"]]
    st.table(table.rename(columns={"f1": "F1"}).rename_axis(index=None))
    st.caption(
        "Precision: how many of the patches called so are. Recall: how many of those that are "
        "so were found; for IDC-positive that is the sensitivity."
    )


def calibration_section(run: Run, results: Results) -> None:
    """What temperature and threshold changed, where the run has them."""
    calibration = run.calibration()
    if calibration == Calibration():
        return
    st.subheader("Calibration")
    st.caption(
        "A calibrated probability can be taken at its word: of the patches that get 0.8, eight in "
        "ten are IDC-positive. A temperature of "
        f"{calibration.temperature:.2f}, fitted on validation patches, divides the network's "
        "log-odds; the order of the patches stays."
    )
    raw = run.predictions().query("part == @results.part")["probability"].to_numpy()
    table, chart = st.columns(2, gap="large")
    with table:
        st.table(before_and_after(results.y_true, raw, calibration))
    with chart:
        st.plotly_chart(
            reliability_figure(
                {
                    "before": reliability(results.y_true, raw),
                    "after": reliability(results.y_true, results.y_prob),
                }
            ),
            key="reliability",
            alt="Share of IDC-positive patches against their probability, before and after",
        )


def before_and_after(y_true: np.ndarray, raw: np.ndarray, calibration: Calibration) -> pd.DataFrame:
    """Scores as shown: of the network's own answers at 0.5, and of the calibrated ones."""
    columns = {}
    for title, y_prob, threshold in (
        ("before", raw, 0.5),
        ("after", calibration.apply(raw), calibration.threshold),
    ):
        report = evaluate(y_true, y_prob, threshold)
        columns[title] = {
            "Threshold": score(threshold),
            "Calibration error": score(calibration_error(y_true, y_prob)),
            "Log loss": score(report.log_loss),
            "Balanced accuracy": score(report.balanced_accuracy),
            "Sensitivity": score(report.sensitivity),
            "Specificity": score(report.specificity),
            "F1": score(report.f1),
        }
    return pd.DataFrame(columns)


def learning_curves(run: Run) -> None:
    """Loss, accuracy and balanced accuracy over the epochs."""
    epochs = run.log().epochs
    if not epochs:
        return
    st.subheader("Learning curves")
    table = pd.DataFrame(epochs)
    left, right = st.columns(2, gap="large")
    for column, name, title in ((left, "loss", "loss"), (right, "accuracy", "accuracy")):
        with column:
            st.plotly_chart(
                epoch_figure(table, name, f"val_{name}", title),
                key=f"curve_{name}",
                alt=f"Training and validation {title} over {len(table)} epochs",
            )
