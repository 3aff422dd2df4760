"""Links from one page to another that keep the run, the data set or the patch."""

from collections.abc import Sequence

import streamlit as st

from idc.datasets.place import Place
from idc.datasets.store import PatchStore
from idc.runs.run import Run, list_runs
from idc.settings.training_config import TrainingConfig


def run_links(run: Run) -> None:
    """Links to the pages that show more about a run."""
    st.subheader("More about this run")
    with st.container(horizontal=True, gap="medium"):
        st.page_link(
            "../../pages/labels.py",
            label="Labels that it contradicts",
            icon=":material/label:",
            query_params={"run": run.id},
        )
        others = [other.id for other in list_runs() if other.has_predictions()]
        others = [other for other in others if other != run.id][:1]
        if others:
            st.page_link(
                "../../pages/compare.py",
                label="Compare with another run",
                icon=":material/compare_arrows:",
                query_params=[("runs", run.id), ("runs", others[0])],
            )
        if not run.bundled:
            run_leakage_link(run.id)


def leakage_link(config: TrainingConfig) -> None:
    """A link to the leakage check of the split that these settings would make."""
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
    """A link to the leakage check of a run's split."""
    st.page_link(
        "../../pages/leakage.py",
        label="Check this split for leakage",
        icon=":material/water_drop:",
        query_params={"run": run_id},
    )


def slide_link(store: PatchStore, place: Place, label: str, runs: Sequence[Run] = ()) -> None:
    """A link to a patch on its slide, with the answers of at most two runs over it.

    Nothing where the data set has no places.
    """
    if not store.description.has_places:
        return
    case = store.description.case_name(place.case)
    query = {"data": store.name, "case": case, "patch": str(place)}
    query |= {name: run.id for name, run in zip(("run", "run2"), runs, strict=False)}
    st.page_link("../../pages/slides.py", label=label, icon=":material/map:", query_params=query)
