"""The form for a new run, with the data that it would train on."""

from functools import partial

import pandas as pd
import streamlit as st

from idc.config import AUGMENTATIONS, BALANCINGS, PRESETS, TrainingConfig, preset_config, split_of
from idc.marks import wrong_rows
from idc.splits import PROTOCOL_HELP, PROTOCOLS, Split, split_note
from idc.starting import start_run
from idc.store import PatchStore
from idc.ui.choose import choose_store
from idc.ui.leakage_parts import leakage_link
from idc.ui.watched_slide import choose_before_start
from idc.ui.words import error_sentences, plain, share
from idc.watching import watch_case


def new_run(busy: str | None) -> None:
    """Draw the form; start the run when asked.

    Args:
        busy: what trains now, by name. Another run waits until it is done.
    """
    left, right = st.columns([5, 4], gap="large")
    with left:
        store = choose_store()
        if store is None:
            return
        config = _settings(store)
    with right, error_sentences():
        st.markdown("**What it would train on**")
        marked = wrong_rows(store.name, store.index) if config.leave_out_marked else None
        split = split_of(config, store.index, marked)
        _data_summary(store, split, config)
        leakage_link(config)
        watched = choose_before_start(store, split)
        if busy is not None:
            st.info(
                f"**{plain(busy)}** is training now. One at a time: a run that you start waits "
                "in the queue, and trains when its turn has come.",
                icon=":material/hourglass_top:",
            )
        if st.button(
            "Start training" if busy is None else "Queue training",
            type="primary",
            icon=":material/play_arrow:",
            key="start",
            width="stretch",
        ):
            fill = partial(watch_case, case=watched) if watched is not None else None
            st.session_state["run"] = start_run(config, fill=fill).id
            st.rerun()


def _settings(store: PatchStore) -> TrainingConfig:
    preset = st.selectbox(
        "Preset",
        list(PRESETS),
        index=list(PRESETS).index("fast"),
        format_func=lambda name: PRESETS[name].title,
        key="preset",
        help="The network, and settings that suit it. Each can be changed below.",
    )
    st.caption(PRESETS[preset].summary)
    defaults = preset_config(preset, store.name)
    protocol = st.selectbox(
        "Split",
        list(PROTOCOLS),
        format_func=lambda name: PROTOCOLS[name],
        key="protocol",
        help="How patches are dealt into a part to train on and parts to score on.",
    )
    st.caption(PROTOCOL_HELP[protocol])
    unlisted = "ignore"
    if protocol == "published" and st.toggle(
        "Cases in no published list join training",
        key="unlisted",
        help="119 of the 279 cases are in no list. Left out, the split is exactly the papers'.",
    ):
        unlisted = "train"
    first, second, third = st.columns(3)
    epochs = first.number_input(
        "Epochs",
        1,
        10_000,
        defaults.epochs,
        key=f"epochs_{preset}",
        help="How often the network sees every training patch.",
    )
    batch_size = second.number_input(
        "Batch size",
        1,
        8_192,
        defaults.batch_size,
        key=f"batch_size_{preset}",
        help="Patches between two corrections of the weights.",
    )
    learning_rate = third.number_input(
        "Learning rate",
        1e-8,
        10.0,
        defaults.learning_rate,
        format="%.5f",
        step=1e-4,
        key=f"learning_rate_{preset}",
        help="How large each correction is.",
    )
    most = len(store)
    patches = first.number_input(
        "Patches to use",
        2,
        most,
        min(40_000, most),
        step=1_000,
        key=f"patches_{store.name}",
        help="Drawn at random at the same rate from both classes, before the split.",
    )
    seed = second.number_input(
        "Seed",
        0,
        2**31 - 1,
        0,
        key="train_seed",
        help="Of everything random: the same seed repeats the run.",
    )
    augmentation = third.selectbox(
        "Augmentation",
        list(AUGMENTATIONS),
        index=list(AUGMENTATIONS).index(defaults.augmentation),
        format_func=lambda name: AUGMENTATIONS[name],
        key=f"augmentation_{preset}",
        help="Show each training patch turned, mirrored or stained otherwise in every epoch.",
    )
    balancing = first.selectbox(
        "Class balance",
        list(BALANCINGS),
        index=list(BALANCINGS).index(defaults.balancing),
        format_func=lambda name: BALANCINGS[name],
        key=f"balancing_{preset}",
        help="Positive patches are rarer. Class weights let each count for more in the loss; "
        "resampling shows as many of each class. Training patches only.",
    )
    marked = len(wrong_rows(store.name, store.index))
    leave_out_marked = marked > 0 and st.toggle(
        f"Leave out patches marked wrong ({marked:,})",
        key="leave_out_marked",
        help="Patches whose label a reviewer marked wrong on Labels, and nobody keep, do not "
        "train. They are scored all the same. Which ones is settled when the run starts.",
    )
    early_stopping = st.toggle(
        "Stop early",
        defaults.early_stopping,
        key=f"early_stopping_{preset}",
        help="End when the validation loss has not improved for some epochs.",
    )
    patience = defaults.patience
    if early_stopping:
        patience = st.number_input(
            "Patience (epochs)",
            1,
            1_000,
            defaults.patience,
            key=f"patience_{preset}",
            help="How many epochs without improvement to wait.",
        )
    name = st.text_input(
        "Name",
        max_chars=80,
        key="run_name",
        placeholder="optional",
        help="What people call the run. Its id holds date, time and preset anyway.",
    )
    return preset_config(
        preset,
        store.name,
        protocol=protocol,
        unlisted=unlisted,
        patches=None if patches >= most else int(patches),
        seed=int(seed),
        leave_out_marked=leave_out_marked,
        epochs=int(epochs),
        batch_size=int(batch_size),
        learning_rate=float(learning_rate),
        augmentation=augmentation,
        balancing=balancing,
        early_stopping=early_stopping,
        patience=int(patience),
        name=name.strip(),
    )


def _data_summary(store: PatchStore, split: Split, config: TrainingConfig) -> None:
    counts = split.counts(store.index)
    rows = {
        name: [f"{n:,}" for n in counts[name]]
        for name in ("patches", "negative", "positive", "cases")
    }
    rows["IDC share"] = [share(value) for value in counts["positive_share"]]
    st.table(pd.DataFrame(rows, index=counts.index.rename(None)).T)
    train, held_out = len(split.train), len(split.validation) + len(split.test)
    steps = -(-train // config.batch_size)
    st.markdown(
        f"Training array {(train, 50, 50, 3)}, held-out array {(held_out, 50, 50, 3)}, "
        f"uint8 RGB. {steps:,} steps an epoch, {steps * config.epochs:,} in all."
    )
    if note := split_note(split):
        st.warning(note, icon=":material/info:")
