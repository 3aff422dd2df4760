"""The scores of a report as a table."""

from collections.abc import Sequence

import streamlit as st

from idc.metrics.scores import classification_report
from idc.ui.shared.formatting import format_score


def report_table(confusion_matrix: Sequence[Sequence[int]]) -> None:
    """The classification report, with its words explained."""
    table = classification_report(confusion_matrix)
    for name in ("precision", "recall", "f1"):
        table[name] = [format_score(value) for value in table[name]]
    table["patches"] = [f"{count:,}" for count in table["patches"]]
    st.table(table.rename(columns={"f1": "F1"}).rename_axis(index=None))
    st.caption(
        "Precision: how many of the patches called so are. Recall: how many of those that are "
        "so were found; for IDC-positive that is the sensitivity."
    )
