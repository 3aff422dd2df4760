"""Where a run's figures lead on: to doubtful labels, to other runs, to its split."""

import streamlit as st

from idc.runs.run import Run, list_runs
from idc.settings.training_config import TrainingConfig


def run_links(run: Run) -> None:
    """Links that take the run along."""
    st.subheader("Further")
    with st.container(horizontal=True, gap="medium"):
        st.page_link(
            "../../pages/labels.py",
            label="Labels that it doubts",
            icon=":material/label:",
            query_params={"run": run.id},
        )
        others = [other.id for other in list_runs() if other.has_predictions()]
        others = [other for other in others if other != run.id][:1]
        if others:
            st.page_link(
                "../../pages/compare.py",
                label="Compare it with another run",
                icon=":material/compare_arrows:",
                query_params=[("runs", run.id), ("runs", others[0])],
            )
        if not run.bundled:
            run_leakage_link(run.id)


def leakage_link(config: TrainingConfig) -> None:
    """A link to the check of the split that these settings would make."""
    query = {"data": config.data, "split": config.protocol, "split_seed": str(config.seed)}
    if config.patches is not None:
        query["split_patches"] = str(config.patches)
    if config.unlisted == "train":
        query["split_unlisted"] = "true"
    st.page_link(
        "../../pages/leakage.py",
        label="Check this split for leakage",
        icon=":material/water_drop:",
        query_params=query,
    )


def run_leakage_link(run_id: str) -> None:
    """A link to the check of a run's split."""
    st.page_link(
        "../../pages/leakage.py",
        label="Check its split for leakage",
        icon=":material/water_drop:",
        query_params={"run": run_id},
    )
