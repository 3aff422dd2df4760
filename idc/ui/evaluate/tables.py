"""Tables and curves of Evaluate that do not follow the threshold."""

import numpy as np
import pandas as pd
import streamlit as st

from idc.evaluation.results import Results
from idc.metrics.calibration import Calibration, calibration_error, reliability_table
from idc.metrics.scores import evaluate
from idc.runs.run import Run
from idc.ui.shared.figures import epoch_figure, reliability_figure
from idc.ui.shared.formatting import escape_markdown, format_score, log_problems


def calibration_section(run: Run, results: Results) -> None:
    """Scores before and after calibration; nothing for a run without calibration."""
    calibration = run.calibration()
    if calibration == Calibration():
        return
    st.subheader("Calibration")
    st.caption(
        "Calibrated probabilities match observed frequencies: of the patches with probability 0.8, "
        f"eight in ten are {escape_markdown(results.class_names[1])}. The network's log-odds are "
        f"divided by a temperature of {calibration.temperature:.2f}, fitted on validation "
        "patches, which keeps the order of the patches."
    )
    uncalibrated = run.predictions().query("part == @results.part")["probability"].to_numpy()
    table, chart = st.columns(2, gap="large")
    with table:
        st.table(before_and_after(results.y_true, uncalibrated, calibration))
    with chart:
        st.plotly_chart(
            reliability_figure(
                {
                    "before": reliability_table(results.y_true, uncalibrated),
                    "after": reliability_table(results.y_true, results.y_prob),
                },
                results.class_names,
            ),
            key="reliability",
            alt=f"Share of {results.class_names[1]} patches against their probability",
        )


def before_and_after(
    y_true: np.ndarray, uncalibrated: np.ndarray, calibration: Calibration
) -> pd.DataFrame:
    """Formatted scores of the uncalibrated predictions at 0.5 and of the calibrated ones."""
    columns = {}
    for title, y_prob, threshold in (
        ("before", uncalibrated, 0.5),
        ("after", calibration.apply(uncalibrated), calibration.threshold),
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
    log = run.log()
    if not (log.epochs or log.problems):
        return
    st.subheader("Learning curves")
    log_problems(log, run.title)
    if not log.epochs:
        return
    table = pd.DataFrame(log.epochs)
    left, right = st.columns(2, gap="large")
    for column, name, title in ((left, "loss", "loss"), (right, "accuracy", "accuracy")):
        with column:
            st.plotly_chart(
                epoch_figure(table, name, f"val_{name}", title),
                key=f"curve_{name}",
                alt=f"Training and validation {title} over {len(table)} epochs",
            )
