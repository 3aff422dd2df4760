"""The classification report as a table."""

from collections.abc import Sequence

import streamlit as st

from idc.metrics.scores import classification_report
from idc.patches import CLASS_NAMES
from idc.ui.shared.formatting import escape_markdown, format_score


def report_table(
    confusion_matrix: Sequence[Sequence[int]], class_names: tuple[str, str] = CLASS_NAMES
) -> None:
    """Show the classification report and explain precision and recall.

    Args:
        confusion_matrix: [[tn, fp], [fn, tp]].
    """
    table = classification_report(confusion_matrix, class_names)
    for name in ("precision", "recall", "f1"):
        table[name] = [format_score(value) for value in table[name]]
    table["patches"] = [f"{count:,}" for count in table["patches"]]
    st.table(table.rename(columns={"f1": "F1"}).rename_axis(index=None))
    st.caption(
        "Precision: share of the patches predicted as a class that are labelled as it. Recall: "
        "share of the patches labelled as a class that are predicted as it; for "
        f"{escape_markdown(class_names[1])}, recall is the sensitivity."
    )
