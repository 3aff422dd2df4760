"""Sections of Build: the architecture form, the costs and the training."""

from collections.abc import Mapping
from typing import Any

import streamlit as st

from idc.datasets.store import PatchStore, list_stores
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
from idc.patches import PATCH_SIZE_PX
from idc.settings.training_config import preset_config
from idc.ui.build.network_stack import network_stack
from idc.ui.shared import address
from idc.ui.shared.formatting import escape_markdown, metric_row
from idc.ui.shared.guard import error_sentences
from idc.ui.shared.pickers import choose_store

_PARAMETER = "architecture"
_NOTEBOOK_PARAMETERS = 2_514_410


def choose_data() -> PatchStore | None:
    """The data set whose patches the network is for; None without any, for 50 x 50 px."""
    with error_sentences():
        return choose_store() if list_stores() else None
    return None


def side_of(store: PatchStore | None) -> int:
    """The side in px of the patches that the network is for."""
    return PATCH_SIZE_PX if store is None else store.description.side_px


def choose_architecture(side_px: int) -> Architecture:
    """The architecture form. The URL holds its values.

    Args:
        side_px: side of the patches.

    Raises:
        ConfigError: the network would be too large.
    """
    _load_from_url(side_px)
    blocks = st.slider(
        "Blocks (depth)",
        *BLOCKS_RANGE,
        key="built_blocks",
        help="A block is a group of convolutions, with pooling at its end.",
    )
    convolutions = st.slider(
        "Convolutions per block", *CONVOLUTIONS_RANGE, key="built_convolutions"
    )
    width = st.slider(
        "Filters in the first block (width)",
        *WIDTH_RANGE,
        key="built_width",
        help="Each following block has twice as many.",
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
        "How each 2 × 2 square is reduced after a block: to its largest value, to its average, or "
        "not at all.",
    )
    dropout = st.slider(
        "Dropout",
        *DROPOUT_RANGE_PERCENT,
        step=5,
        format="%d %%",
        key="built_dropout",
        help="Share of the values after each block that training sets to zero at random.",
    )
    ending = _one_of(
        "From maps to numbers",
        ENDINGS,
        "built_ending",
        "The average of each map, or all values followed by a dense layer with 64 units.",
    )
    built = Architecture(blocks, convolutions, width, kernel, pooling, dropout, ending)
    address.remember(_PARAMETER, str(built))
    if st.query_params.get(_PARAMETER) != str(built):
        st.query_params[_PARAMETER] = str(built)
    return built


def show_network(built: Architecture, side_px: int) -> None:
    """The costs of the network for patches of this side, and its layers."""
    costs = costs_of(built, side_px)
    st.caption(f"For patches of {side_px} × {side_px} px")
    metric_row(
        [
            (
                "Parameters",
                f"{costs.parameters:,}",
                f"Numbers that training learns. The notebook's network has "
                f"{_NOTEBOOK_PARAMETERS:,} for patches of 50 × 50 px.",
            ),
            (
                "Multiply-adds",
                _in_millions(costs.multiply_adds),
                "Multiplications of a value by a weight for one patch: the computing effort.",
            ),
            (
                "Receptive field",
                _receptive_field_text(costs, side_px),
                "The area of the patch that influences one value of the last maps.",
            ),
            (
                "Memory",
                f"{costs.training_bytes(_batch_size()) / 2**20:,.0f} MiB",
                f"Approximate, for a batch of {_batch_size()} patches during training.",
            ),
        ]
    )
    network_stack(layers_of(built, side_px), side_px, key="stack")


def train_section(built: Architecture, store: PatchStore | None) -> None:
    """Start an ordinary run with this network."""
    st.subheader("Train this network")
    if store is None:
        if not list_stores():
            choose_store()  # the way to a data set
        return
    first, second, third = st.columns(3)
    epochs = first.number_input("Epochs", 1, 10_000, 3, key="built_epochs")
    maximum = max(2, len(store))
    patches = second.number_input(
        "Patches to use",
        2,
        maximum,
        min(40_000, maximum),
        step=1_000,
        key=f"built_patches_{store.name}",
    )
    name = third.text_input("Name", max_chars=80, key="built_name", placeholder="optional")
    config = preset_config(
        CUSTOM_PRESET,
        store.name,
        architecture=str(built),
        epochs=int(epochs),
        patches=None if patches >= maximum else int(patches),
        name=name.strip(),
    )
    busy = active_training_name()
    if busy is not None:
        st.info(
            f"**{escape_markdown(busy)}** is training now. Your run waits in the queue and starts "
            "automatically.",
            icon=":material/hourglass_top:",
        )
    if st.button(
        "Train this network" if busy is None else "Add to the queue",
        type="primary",
        icon=":material/play_arrow:",
        key="train_it",
    ):
        [run] = start_runs(config)
        st.switch_page("../../pages/train.py", query_params={"run": run.id})


def _one_of(label: str, titles: Mapping[Any, str], key: str, help_text: str) -> Any:
    return st.radio(
        label,
        list(titles),
        format_func=lambda choice: titles[choice],
        horizontal=True,
        key=key,
        help=help_text,
    )


def _load_from_url(side_px: int) -> None:
    """Set the widgets from the URL on arrival or after Back; else to the default network."""
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
            built = parse_architecture(wanted, side_px)
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


def _receptive_field_text(costs: Costs, side_px: int) -> str:
    field_px = costs.field_px
    return "the whole patch" if field_px >= side_px else f"{field_px} × {field_px} px"
