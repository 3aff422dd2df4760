"""The sections of Compare that need no shared patches: learning curves, settings, scores."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from idc.evaluation.run_groups import (
    CURVES,
    FINAL_SCORES,
    RunGroup,
    best_epochs,
    curve_band,
    differing_settings,
    final_scores,
    seed_groups,
)
from idc.runs.run import Run
from idc.ui.shared.comparison_figures import learning_curves_figure
from idc.ui.shared.formatting import escape_markdown, format_score, log_problems


def choose_groups(runs: Sequence[Run]) -> list[RunGroup]:
    """The runs, grouped by equal settings unless the visitor turns that off."""
    groups = seed_groups(runs)
    if len(groups) == len(runs):
        return groups
    merge_seeds = st.toggle(
        "Group seeds",
        True,
        key="seeds_together",
        help="Runs that differ only in the seed are shown as their mean, with a band from the "
        "lowest to the highest.",
    )
    return groups if merge_seeds else seed_groups(runs, merge_seeds=False)


def learning_curves(groups: Sequence[RunGroup]) -> None:
    """A chosen curve over the epochs, all runs in one chart."""
    st.subheader("Learning curves")
    for group in groups:
        for run in group.runs:
            log_problems(run.log(), run.title)
    curve = st.segmented_control(
        "Curve",
        list(CURVES),
        default="val_roc_auc",
        required=True,
        format_func=lambda name: CURVES[name],
        key="learning_curve",
        label_visibility="collapsed",
    )
    bands = [(group.title, curve_band(group, curve)) for group in groups]
    drawn = [(title, band) for title, band in bands if len(band.epochs)]
    if not drawn:
        st.info("These runs have logged no epochs.", icon=":material/info:")
        return
    st.plotly_chart(
        learning_curves_figure(drawn, CURVES[curve]),
        key="learning_curves",
        alt=f"{CURVES[curve]} over the epochs of {', '.join(title for title, _ in drawn)}",
    )
    if any(len(group.runs) > 1 for group in groups):
        st.caption(
            "Several seeds are shown as their mean; the band goes from the lowest to the highest."
        )


def settings_and_scores(groups: Sequence[RunGroup]) -> None:
    """One row per group: the settings that differ and the final scores."""
    st.subheader("Different settings and final scores")
    settings = differing_settings(groups)
    columns: dict[str, list[str]] = {
        _setting_title(name): [_setting_text(value) for value in values]
        for name, values in settings.items()
    }
    if any(len(group.runs) > 1 for group in groups):
        columns["Seeds"] = [
            ", ".join(str(run.config.seed) for run in group.runs) for group in groups
        ]
    trained = [sorted({run.status().epoch for run in group.runs}) for group in groups]
    if any(epochs != [group.config.epochs] for epochs, group in zip(trained, groups, strict=True)):
        columns["Epochs trained"] = [", ".join(map(str, epochs)) for epochs in trained]
    columns["Best epoch"] = [
        ", ".join(str(epoch) for epoch in best_epochs(group)) or "–" for group in groups
    ]
    finals = [final_scores(group) for group in groups]
    for name, title in FINAL_SCORES.items():
        columns[title] = [mean_and_range(final[name]) for final in finals]
    names = [f"{number}: {escape_markdown(group.title)}" for number, group in enumerate(groups, 1)]
    st.table(pd.DataFrame(columns, index=names))
    if not settings:
        st.caption("All settings are equal." if len(groups) > 1 else "One set of settings.")
    st.caption(
        "Each run is scored on its own held-out part, so runs with different splits or seeds are "
        "scored on different patches. Several seeds are shown as their mean, with the lowest and "
        "the highest in brackets."
    )


def mean_and_range(values: Sequence[float]) -> str:
    """The mean, as "0.912", or of several values "0.912 (0.905 to 0.920)"; "–" without values."""
    if not values:
        return "–"
    mean = format_score(float(np.mean(values)))
    return (
        mean
        if len(values) == 1
        else f"{mean} ({format_score(min(values))} to {format_score(max(values))})"
    )


def _setting_title(name: str) -> str:
    return name.replace("_", " ").capitalize()


def _setting_text(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:g}"
    return "all" if value is None else escape_markdown(str(value))
