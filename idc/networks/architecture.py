"""A network of one's own: a handful of choices -> its layers, their shapes, and what they cost.

Arithmetic alone, so that a page can answer each choice at once. `idc.networks.models` builds the
same layers in Keras, and a test holds the two against each other.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import prod

from idc.errors import ConfigError
from idc.patches import PATCH_SHAPE, PATCH_SIZE_PX

CUSTOM_PRESET = "yours"  # the preset whose network the visitor builds

POOLINGS: Mapping[str, str] = {"max": "Largest", "average": "Average", "none": "None"}
ENDINGS: Mapping[str, str] = {"average": "Average of each map", "flatten": "All values in a row"}
BLOCKS_RANGE, CONVOLUTIONS_RANGE, WIDTH_RANGE = (1, 5), (1, 3), (4, 64)
KERNEL_SIZES = (1, 3, 5, 7)
DROPOUT_RANGE_PERCENT = (0, 80)  # per cent
HIDDEN_UNITS = 64  # of the dense layer behind a flattened map

MAX_PARAMETERS = 5_000_000  # twice the notebook's; a checkpoint then stays below 100 MB
MAX_MULTIPLY_ADDS = 400_000_000  # a patch: some five times the notebook's
MAX_TRAINING_BYTES = 2 * 2**30

_ARCHITECTURE_PATTERN = re.compile(
    r"([0-9])x([0-9])-w([0-9]{1,2})-k([0-9])-([a-z]+)-d([0-9]{1,2})-([a-z]+)"
)
_BYTES_PER_VALUE = 4 * 2  # float32; training keeps each value and the slope that belongs to it


@dataclass(frozen=True)
class Architecture:
    """The choices. Checked when made.

    Attributes:
        blocks: how deep: each block is some convolutions, then a pooling.
        convolutions: of each block, each followed by batch normalisation and a ReLU.
        width: filters of the first block; each further block has twice as many.
        kernel: side of the filters, in places.
        pooling: a key of `POOLINGS`; halves the maps after each block.
        dropout_percent: share of the values that is hidden after each block while it trains.
        ending: a key of `ENDINGS`: how the last maps become the numbers that the answer rests on.

    Raises:
        ConfigError: a choice lies outside its range, or the network would be too large.
    """

    blocks: int = 3
    convolutions: int = 1
    width: int = 16
    kernel: int = 3
    pooling: str = "max"
    dropout_percent: int = 0
    ending: str = "average"

    def __post_init__(self) -> None:
        _check_in_range("blocks", self.blocks, BLOCKS_RANGE)
        _check_in_range("convolutions", self.convolutions, CONVOLUTIONS_RANGE)
        _check_in_range("width", self.width, WIDTH_RANGE)
        _check_choice("kernel", self.kernel, KERNEL_SIZES)
        _check_choice("pooling", self.pooling, tuple(POOLINGS))
        _check_in_range("dropout_percent", self.dropout_percent, DROPOUT_RANGE_PERCENT)
        _check_choice("ending", self.ending, tuple(ENDINGS))
        costs = costs_of(self)
        _check_at_most("parameters", costs.parameters, MAX_PARAMETERS)
        _check_at_most("multiply-adds a patch", costs.multiply_adds, MAX_MULTIPLY_ADDS)

    def __str__(self) -> str:
        """The form that settings and URLs carry: "3x1-w16-k3-max-d0-average"."""
        return (
            f"{self.blocks}x{self.convolutions}-w{self.width}-k{self.kernel}-{self.pooling}"
            f"-d{self.dropout_percent}-{self.ending}"
        )


def parse_architecture(text: str) -> Architecture:
    """Read the form that settings and URLs carry.

    Raises:
        ConfigError: it is something else, or a choice lies outside its range.
    """
    match = _ARCHITECTURE_PATTERN.fullmatch(text)
    if match is None:
        raise ConfigError(
            f"architecture must read like '{Architecture()}'. Received: {text[:60]!r}"
        )
    blocks, convolutions, width, kernel, pooling, dropout, ending = match.groups()
    return Architecture(
        int(blocks), int(convolutions), int(width), int(kernel), pooling, int(dropout), ending
    )


@dataclass(frozen=True)
class LayerSpec:
    """One layer.

    Attributes:
        kind: the class of `keras.layers` that it is.
        block: the block that it belongs to, from 1; 0 before the first and after the last.
        shape: of what it gives, without the batch: (height, width, maps) or (numbers,).
        parameters: numbers that it holds, as Keras counts them: batch normalisation has four a
            map, two of which it measures instead of learning them.
        multiply_adds: multiplications with a weight, for one patch.
        field_px: side of the square of the patch that one of its values has looked at, where the
            patch's edge does not cut it.
    """

    kind: str
    block: int
    shape: tuple[int, ...]
    parameters: int = 0
    multiply_adds: int = 0
    field_px: int = 1


@dataclass(frozen=True)
class Costs:
    """What a network costs.

    Attributes:
        parameters: numbers that it holds.
        multiply_adds: for one patch.
        values: numbers that all layers together give for one patch.
        field_px: side of the square that a value of the last maps has looked at.
    """

    parameters: int
    multiply_adds: int
    values: int
    field_px: int

    def training_bytes(self, batch_size: int) -> int:
        """Memory that the values of a batch take while it trains, about."""
        return batch_size * self.values * _BYTES_PER_VALUE


def costs_of(architecture: Architecture) -> Costs:
    """The sums over all layers."""
    layers = layers_of(architecture)
    return Costs(
        parameters=sum(layer.parameters for layer in layers),
        multiply_adds=sum(layer.multiply_adds for layer in layers),
        values=sum(prod(layer.shape) for layer in layers),
        field_px=max(layer.field_px for layer in layers if layer.block),
    )


def check_batch_memory(architecture: Architecture, batch_size: int) -> None:
    """Refuse a batch that would not fit into memory.

    Raises:
        ConfigError: it takes more than `MAX_TRAINING_BYTES`.
    """
    costs = costs_of(architecture)
    if costs.training_bytes(batch_size) > MAX_TRAINING_BYTES:
        most = MAX_TRAINING_BYTES // costs.training_bytes(1)
        raise ConfigError(
            f"batch_size may be at most {most:,} for this network, whose layers give "
            f"{costs.values:,} values a patch; choose smaller batches, fewer filters or pooling. "
            f"Received: {batch_size}"
        )


def layers_of(architecture: Architecture) -> tuple[LayerSpec, ...]:
    """All layers, from the scaled patch to the two probabilities."""
    return tuple(_iter_layers(architecture))


def _iter_layers(architecture: Architecture) -> Iterator[LayerSpec]:
    side, maps, field, step = PATCH_SIZE_PX, PATCH_SHAPE[2], 1, 1
    yield LayerSpec("Rescaling", 0, PATCH_SHAPE)
    for block in range(1, architecture.blocks + 1):
        filters = architecture.width * 2 ** (block - 1)
        for _ in range(architecture.convolutions):
            weights = architecture.kernel**2 * maps * filters
            field += (architecture.kernel - 1) * step
            maps, shape = filters, (side, side, filters)
            yield LayerSpec("Conv2D", block, shape, weights, side**2 * weights, field)
            yield LayerSpec("BatchNormalization", block, shape, 4 * maps, 0, field)
            yield LayerSpec("Activation", block, shape, 0, 0, field)
        if architecture.pooling != "none":
            field, step, side = field + step, 2 * step, side // 2
            kind = "MaxPooling2D" if architecture.pooling == "max" else "AveragePooling2D"
            yield LayerSpec(kind, block, (side, side, maps), 0, 0, field)
        if architecture.dropout_percent:
            yield LayerSpec("Dropout", block, (side, side, maps), 0, 0, field)
    yield from _head_layers(architecture.ending, side, maps)


def _head_layers(ending: str, side: int, maps: int) -> Iterator[LayerSpec]:
    whole = PATCH_SIZE_PX
    if ending == "average":
        yield LayerSpec("GlobalAveragePooling2D", 0, (maps,), 0, 0, whole)
        numbers = maps
    else:
        numbers = side**2 * maps
        yield LayerSpec("Flatten", 0, (numbers,), 0, 0, whole)
        weights = numbers * HIDDEN_UNITS
        yield LayerSpec("Dense", 0, (HIDDEN_UNITS,), weights + HIDDEN_UNITS, weights, whole)
        numbers = HIDDEN_UNITS
    yield LayerSpec("Dense", 0, (2,), 2 * numbers + 2, 2 * numbers, whole)


def _check_in_range(name: str, value: int, limits: tuple[int, int]) -> None:
    low, high = limits
    if type(value) is not int or not low <= value <= high:
        raise ConfigError(f"{name} must be a whole number in [{low}, {high}]. Received: {value!r}")


def _check_choice(name: str, value: object, known: tuple[object, ...]) -> None:
    if value not in known:
        raise ConfigError(
            f"{name} must be one of {', '.join(map(str, known))}. Received: {value!r}"
        )


def _check_at_most(what: str, value: int, most: int) -> None:
    if value > most:
        raise ConfigError(
            f"A network of one's own has at most {most:,} {what}; choose fewer blocks or filters, "
            f"a smaller kernel, or pooling. Received: {value:,}"
        )
