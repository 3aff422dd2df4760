"""Tables and curves of Evaluate that stand still."""

import numpy as np
import pandas as pd
import streamlit as st

from idc.evaluation.results import Results
from idc.metrics.calibration import Calibration, calibration_error, reliability_table
from idc.metrics.scores import evaluate
from idc.runs.run import Run
from idc.ui.shared.figures import epoch_figure, reliability_figure
from idc.ui.shared.formatting import format_score


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
                    "before": reliability_table(results.y_true, raw),
                    "after": reliability_table(results.y_true, results.y_prob),
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
            "Threshold": format_score(threshold),
            "Calibration error": format_score(calibration_error(y_true, y_prob)),
            "Log loss": format_score(report.log_loss),
            "Balanced accuracy": format_score(report.balanced_accuracy),
            "Sensitivity": format_score(report.sensitivity),
            "Specificity": format_score(report.specificity),
            "F1": format_score(report.f1),
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
