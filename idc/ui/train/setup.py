"""Set up a new run: form, data summary, estimate and start button."""

from functools import partial
from pathlib import Path

import pandas as pd
import streamlit as st

from idc.datasets.label_marks import rows_marked_wrong
from idc.datasets.splits import Split, split_note
from idc.datasets.store import PatchStore
from idc.launch.start import start_runs
from idc.networks.hardware import gpu_description
from idc.runs.device_choice import set_cpu_only
from idc.runs.watched_slide import request_case
from idc.server.streamlit_internals import ExpanderContainer
from idc.settings.training_config import TrainingConfig, split_for_config
from idc.settings.variants import MAX_SEEDS
from idc.ui.leakage.both_splits import start_both_splits
from idc.ui.shared.formatting import escape_markdown, format_share
from idc.ui.shared.guard import error_sentences
from idc.ui.shared.links import leakage_link
from idc.ui.shared.pickers import choose_store, select_in_picker
from idc.ui.train.augmentation_view import augmentation_view
from idc.ui.train.estimate import estimate_line
from idc.ui.train.form import link_has_settings, settings_form
from idc.ui.train.settings_files import settings_files
from idc.ui.train.watched_slide import choose_watched_case

_OPEN = "setup"  # the key of the expander
_COLLAPSE = "setup-collapse"


def setup_expander(first: bool, busy: bool) -> ExpanderContainer:
    """The expander of the form: open for a link with settings and while there is no run yet.

    While closed, it computes nothing. A start closes it, so that the curves become visible, and a
    refresh during a training leaves it closed.

    Args:
        first: whether there is no run yet.
        busy: whether a run is training.
    """
    if st.session_state.pop(_COLLAPSE, False):
        st.session_state[_OPEN] = False
    st.session_state.setdefault(_OPEN, first or (link_has_settings() and not busy))
    return st.expander("Set up a new run", icon=":material/tune:", key=_OPEN, on_change="rerun")


def new_run(busy: str | None) -> None:
    """Draw the form and start the run on a click.

    Args:
        busy: name of the run that is training, if any. Other runs wait in the queue.
    """
    left, right = st.columns([5, 4], gap="large")
    with left:
        wanted_data = st.query_params.get("data")
        store = choose_store(warn_missing=False)  # the form shows the warning
        if store is None:
            return
        config = settings_form(store, wanted_data)
    with right, error_sentences():
        st.markdown("**Training data**")
        marked = rows_marked_wrong(store.name, store.index) if config.leave_out_marked else None
        split = split_for_config(config, store, marked)
        _data_summary(store, split, config)
        leakage_link(config)
        watched = choose_watched_case(store, split)
        estimate_line(config, split, store.description, busy is not None)
        _start(config, watched, busy)
        augmentation_view(store, split, config.augmentation)
        settings_files(config)


def _start(config: TrainingConfig, watched: int | None, busy: str | None) -> None:
    if busy is not None:
        st.info(
            f"**{escape_markdown(busy)}** is training now. Runs train one at a time: your run "
            "waits in the queue and starts automatically.",
            icon=":material/hourglass_top:",
        )
    on_cpu = (
        busy is not None
        and bool(gpu_description())
        and st.toggle(
            "Train on the CPU now",
            key="start_on_cpu",
            help="Slower, but does not wait for the GPU. The estimate above is for the GPU.",
        )
    )
    waits = busy is not None and not on_cpu
    with st.container(horizontal=True, vertical_alignment="bottom"):
        seeds = st.number_input(
            "Seeds",
            1,
            MAX_SEEDS,
            key="seeds",
            width=120,
            help="Number of runs to train, with consecutive random seeds. Compare shows their mean "
            "and spread.",
        )
        pressed = st.button(
            _start_label(int(seeds), waits),
            type="primary",
            icon=":material/play_arrow:",
            key="start",
            width="stretch",
        )
    if pressed:
        populate = partial(_populate, watched=watched, on_cpu=on_cpu)
        runs = start_runs(config, int(seeds), populate=populate)
        st.session_state[_COLLAPSE] = True
        select_in_picker("run", runs[0].id)
        st.rerun()
    if st.button(
        "Train under both splits",
        icon=":material/compare:",
        key="start_both",
        width="stretch",
        help="Trains these settings twice, one after the other: with a random split by patch, as "
        "the notebook does, and with a split by case. Leakage then shows how much the random split "
        "overestimates the scores on unseen cases.",
    ):
        start_both_splits(config)


def _populate(folder: Path, *, watched: int | None, on_cpu: bool) -> None:
    """Write the choices that are not settings into a run's folder."""
    if watched is not None:
        request_case(folder, case=watched)
    if on_cpu:
        set_cpu_only(folder)


def _start_label(seeds: int, waits: bool) -> str:
    verb = "Queue" if waits else "Start"
    return f"{verb} training" if seeds == 1 else f"{verb} {seeds} trainings"


def _data_summary(store: PatchStore, split: Split, config: TrainingConfig) -> None:
    counts = split.counts(store.index)
    rows = {
        name: [f"{n:,}" for n in counts[name]]
        for name in ("patches", "negative", "positive", "cases")
    }
    rows[f"{escape_markdown(store.description.target)} share"] = [
        format_share(value) for value in counts["positive_share"]
    ]
    st.table(pd.DataFrame(rows, index=counts.index.rename(None)).T)
    shape = store.description.patch_shape
    train, held_out = len(split.train), len(split.validation) + len(split.test)
    steps = -(-train // config.batch_size)
    st.markdown(
        f"Training array {(train, *shape)}, held-out array {(held_out, *shape)}, "
        f"uint8 RGB. {steps:,} steps per epoch, {steps * config.epochs:,} in total."
    )
    if note := split_note(split, store.description):
        st.warning(note, icon=":material/info:")
