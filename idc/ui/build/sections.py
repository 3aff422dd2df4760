"""The pieces of Build: the choices, what they cost, and the way to a run."""

from collections.abc import Mapping
from typing import Any

import streamlit as st

from idc.launch.active_training import active_training_name
from idc.launch.start import start_runs
from idc.networks.architecture import (
    BLOCKS_RANGE,
    CONVOLUTIONS_RANGE,
    CUSTOM_PRESET,
    DROPOUT_RANGE_PERCENT,
    ENDINGS,
    KERNEL_SIZES,
    POOLINGS,
    WIDTH_RANGE,
    Architecture,
    Costs,
    costs_of,
    layers_of,
    parse_architecture,
)
from idc.settings.training_config import preset_config
from idc.ui.build.network_stack import network_stack
from idc.ui.shared import address
from idc.ui.shared.formatting import error_sentences, escape_markdown, metric_row
from idc.ui.shared.pickers import choose_store

_PARAMETER = "architecture"
_NOTEBOOK_PARAMETERS = 2_514_410


def choose_architecture() -> Architecture:
    """The form. What is built is in the URL.

    Raises:
        ConfigError: the network would be too large.
    """
    _load_from_url()
    # Small, so that it stays beside what it changes.
    blocks = st.slider(
        "Blocks (depth)",
        *BLOCKS_RANGE,
        key="built_blocks",
        help="Each ends with a pooling, if any.",
    )
    convolutions = st.slider("Convolutions a block", *CONVOLUTIONS_RANGE, key="built_convolutions")
    width = st.slider(
        "Filters of the first block (width)",
        *WIDTH_RANGE,
        key="built_width",
        help="Each further block has twice as many.",
    )
    kernel = _one_of(
        "Filter size (kernel)",
        {side: f"{side} × {side}" for side in KERNEL_SIZES},
        "built_kernel",
        "How many pixels a filter covers.",
    )
    pooling = _one_of(
        "Pooling",
        POOLINGS,
        "built_pooling",
        "What is kept of each 2 × 2 square after a block: its largest value, its average, or "
        "all four.",
    )
    dropout = st.slider(
        "Dropout",
        *DROPOUT_RANGE_PERCENT,
        step=5,
        format="%d %%",
        key="built_dropout",
        help="Share of the values that is hidden after each block while it trains, at random.",
    )
    ending = _one_of(
        "From maps to numbers",
        ENDINGS,
        "built_ending",
        "The average of each map, or all values in a row and a dense layer of 64.",
    )
    built = Architecture(blocks, convolutions, width, kernel, pooling, dropout, ending)
    address.remember(_PARAMETER, str(built))
    if st.query_params.get(_PARAMETER) != str(built):
        st.query_params[_PARAMETER] = str(built)
    return built


def show_network(built: Architecture) -> None:
    """What it costs, and its layers."""
    costs = costs_of(built)
    metric_row(
        [
            (
                "Parameters",
                f"{costs.parameters:,}",
                f"Numbers to learn and to keep. The notebook's network has "
                f"{_NOTEBOOK_PARAMETERS:,}.",
            ),
            (
                "Multiply-adds",
                _in_millions(costs.multiply_adds),
                "How often a value is multiplied by a weight to judge one patch: the work.",
            ),
            (
                "Receptive field",
                _receptive_field_text(costs),
                "The square of the patch that one value of the last maps has looked at.",
            ),
            (
                "Memory",
                f"{costs.training_bytes(_batch_size()) / 2**20:,.0f} MiB",
                f"About, for the values of a batch of {_batch_size()} while it trains.",
            ),
        ]
    )
    network_stack(layers_of(built), key="stack")


def train_section(built: Architecture) -> None:
    """A run like any other, of this network."""
    st.subheader("Train it")
    store = choose_store()
    if store is None:
        return
    first, second, third = st.columns(3)
    epochs = first.number_input("Epochs", 1, 10_000, 3, key="built_epochs")
    most = max(2, len(store))
    patches = second.number_input(
        "Patches to use", 2, most, min(40_000, most), step=1_000, key=f"built_patches_{store.name}"
    )
    name = third.text_input("Name", max_chars=80, key="built_name", placeholder="optional")
    config = preset_config(
        CUSTOM_PRESET,
        store.name,
        architecture=str(built),
        epochs=int(epochs),
        patches=None if patches >= most else int(patches),
        name=name.strip(),
    )
    busy = active_training_name()
    if busy is not None:
        st.info(
            f"**{escape_markdown(busy)}** is training now. Yours waits in the queue until its "
            "turn has come.",
            icon=":material/hourglass_top:",
        )
    if st.button(
        "Train it" if busy is None else "Queue it",
        type="primary",
        icon=":material/play_arrow:",
        key="train_it",
    ):
        [run] = start_runs(config)
        st.switch_page("../../pages/train.py", query_params={"run": run.id})


def _one_of(label: str, titles: Mapping[Any, str], key: str, meaning: str) -> Any:
    return st.radio(
        label,
        list(titles),
        format_func=lambda choice: titles[choice],
        horizontal=True,
        key=key,
        help=meaning,
    )


def _load_from_url() -> None:
    """What the address asks for when somebody comes, or goes back; else the proposed network."""
    wanted = st.query_params.get(_PARAMETER)
    if "built_blocks" in st.session_state and (
        not wanted
        or wanted == address.latest(_PARAMETER)
        or address.is_outdated(_PARAMETER, wanted)
    ):
        return
    built = Architecture()
    if wanted:
        address.remember(_PARAMETER, wanted)
        with error_sentences():
            built = parse_architecture(wanted)
    st.session_state.update(
        built_blocks=built.blocks,
        built_convolutions=built.convolutions,
        built_width=built.width,
        built_kernel=built.kernel,
        built_pooling=built.pooling,
        built_dropout=built.dropout_percent,
        built_ending=built.ending,
    )


def _batch_size() -> int:
    return preset_config(CUSTOM_PRESET, "any").batch_size


def _in_millions(number: int) -> str:
    """ "1.6 million"."""
    return f"{number / 1e6:,.1f} million" if number >= 1e6 else f"{number:,}"


def _receptive_field_text(costs: Costs) -> str:
    return "the whole patch" if costs.field_px >= 50 else f"{costs.field_px} × {costs.field_px} px"
