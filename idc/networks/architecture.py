"""A custom network: a few choices -> its layers, their shapes and their costs.

Pure arithmetic without Keras, so that a page can show the result of each choice immediately.
`idc.networks.models` builds the same layers in Keras; a test compares the two.
"""

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from math import prod

from idc.errors import ConfigError
from idc.patches import PATCH_SIZE_PX

CUSTOM_PRESET = "yours"  # the preset whose network is built on Build

POOLINGS: Mapping[str, str] = {"max": "Largest", "average": "Average", "none": "None"}
ENDINGS: Mapping[str, str] = {"average": "Average of each map", "flatten": "All values in a row"}
BLOCKS_RANGE, CONVOLUTIONS_RANGE, WIDTH_RANGE = (1, 5), (1, 3), (4, 64)
KERNEL_SIZES = (1, 3, 5, 7)
DROPOUT_RANGE_PERCENT = (0, 80)
HIDDEN_UNITS = 64  # of the dense layer after flattening

MAX_PARAMETERS = 5_000_000  # twice the notebook's; keeps a checkpoint below 100 MB
MAX_MULTIPLY_ADDS = 400_000_000  # per patch; about five times the notebook's
MAX_TRAINING_BYTES = 2 * 2**30

_ARCHITECTURE_PATTERN = re.compile(
    r"([0-9])x([0-9])-w([0-9]{1,2})-k([0-9])-([a-z]+)-d([0-9]{1,2})-([a-z]+)"
)
_BYTES_PER_VALUE = 4 * 2  # float32; training keeps each value and its gradient


@dataclass(frozen=True)
class Architecture:
    """The choices, validated on construction.

    Attributes:
        blocks: depth; each block consists of convolutions and a pooling layer.
        convolutions: per block, each followed by batch normalisation and a ReLU.
        width: filters of the first block; the number doubles with each further block.
        kernel: side of the filters, in pixels.
        pooling: a key of `POOLINGS`; halves the maps after each block.
        dropout_percent: share of the values dropped after each block during training.
        ending: a key of `ENDINGS`: how the last maps become the features of the output layer.

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
        check_choice("kernel", self.kernel, KERNEL_SIZES)
        check_choice("pooling", self.pooling, tuple(POOLINGS))
        _check_in_range("dropout_percent", self.dropout_percent, DROPOUT_RANGE_PERCENT)
        check_choice("ending", self.ending, tuple(ENDINGS))
        check_costs(self)

    def __str__(self) -> str:
        """The form used in settings and URLs: "3x1-w16-k3-max-d0-average"."""
        return (
            f"{self.blocks}x{self.convolutions}-w{self.width}-k{self.kernel}-{self.pooling}"
            f"-d{self.dropout_percent}-{self.ending}"
        )


def parse_architecture(text: str, side_px: int = PATCH_SIZE_PX) -> Architecture:
    """Parse the form used in settings and URLs.

    Args:
        side_px: side of its patches.

    Raises:
        ConfigError: the text has another form, a choice lies outside its range, or the network is
            too deep or too large for such patches.
    """
    match = _ARCHITECTURE_PATTERN.fullmatch(text)
    if match is None:
        raise ConfigError(
            f"architecture must have the form '{Architecture()}'. Received: {text[:60]!r}"
        )
    blocks, convolutions, width, kernel, pooling, dropout, ending = match.groups()
    architecture = Architecture(
        int(blocks), int(convolutions), int(width), int(kernel), pooling, int(dropout), ending
    )
    check_costs(architecture, side_px)
    return architecture


@dataclass(frozen=True)
class LayerSpec:
    """One layer.

    Attributes:
        kind: name of its class in `keras.layers`.
        block: number of its block, from 1; 0 before the first block and after the last.
        shape: output shape without the batch: (height, width, maps) or (units,).
        parameters: number of parameters as Keras counts them; batch normalisation has four per
            map, two of which are not trained.
        multiply_adds: multiplications with a weight, per patch.
        field_px: side of its receptive field, ignoring the patch's edges.
    """

    kind: str
    block: int
    shape: tuple[int, ...]
    parameters: int = 0
    multiply_adds: int = 0
    field_px: int = 1


@dataclass(frozen=True)
class Costs:
    """The costs of a network.

    Attributes:
        parameters: number of parameters.
        multiply_adds: per patch.
        values: output values of all layers together, per patch.
        field_px: side of the receptive field of the last maps.
    """

    parameters: int
    multiply_adds: int
    values: int
    field_px: int

    def training_bytes(self, batch_size: int) -> int:
        """Approximate memory of a batch's values during training."""
        return batch_size * self.values * _BYTES_PER_VALUE


def costs_of(architecture: Architecture, side_px: int = PATCH_SIZE_PX) -> Costs:
    """The costs summed over all layers.

    Raises:
        ConfigError: the network is too deep for patches of that side.
    """
    layers = layers_of(architecture, side_px)
    return Costs(
        parameters=sum(layer.parameters for layer in layers),
        multiply_adds=sum(layer.multiply_adds for layer in layers),
        values=sum(prod(layer.shape) for layer in layers),
        field_px=max(layer.field_px for layer in layers if layer.block),
    )


def check_costs(architecture: Architecture, side_px: int = PATCH_SIZE_PX) -> None:
    """Check that a network is small enough to train.

    Raises:
        ConfigError: it is too deep or too large for patches of that side.
    """
    costs = costs_of(architecture, side_px)
    _check_at_most("parameters", costs.parameters, MAX_PARAMETERS)
    # Large patches cost more by their area; the limit is for patches of the Kaggle set.
    limit = MAX_MULTIPLY_ADDS * max(1, side_px**2 // PATCH_SIZE_PX**2)
    _check_at_most("multiply-adds per patch", costs.multiply_adds, limit)


def check_batch_memory(
    architecture: Architecture, batch_size: int, side_px: int = PATCH_SIZE_PX
) -> None:
    """Check that a batch fits into memory.

    Raises:
        ConfigError: it needs more than `MAX_TRAINING_BYTES`.
    """
    costs = costs_of(architecture, side_px)
    if costs.training_bytes(batch_size) > MAX_TRAINING_BYTES:
        limit = MAX_TRAINING_BYTES // costs.training_bytes(1)
        raise ConfigError(
            f"batch_size may be at most {limit:,} for this network, whose layers output "
            f"{costs.values:,} values per patch; choose smaller batches, fewer filters or pooling. "
            f"Received: {batch_size}"
        )


def layers_of(architecture: Architecture, side_px: int = PATCH_SIZE_PX) -> tuple[LayerSpec, ...]:
    """All layers, from the rescaled patch to the two probabilities.

    Raises:
        ConfigError: the pooling of so many blocks leaves nothing of a patch of that side.
    """
    if architecture.pooling != "none" and side_px >> architecture.blocks < 1:
        raise ConfigError(
            f"{architecture.blocks} blocks with pooling leave nothing of a patch of {side_px} px; "
            "choose fewer blocks."
        )
    return tuple(_iter_layers(architecture, side_px))


def _iter_layers(architecture: Architecture, side_px: int) -> Iterator[LayerSpec]:
    side, maps, field, step = side_px, 3, 1, 1
    yield LayerSpec("Rescaling", 0, (side, side, maps))
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
    yield from _head_layers(architecture.ending, side, maps, side_px)


def _head_layers(ending: str, side: int, maps: int, whole: int) -> Iterator[LayerSpec]:
    if ending == "average":
        yield LayerSpec("GlobalAveragePooling2D", 0, (maps,), 0, 0, whole)
        features = maps
    else:
        features = side**2 * maps
        yield LayerSpec("Flatten", 0, (features,), 0, 0, whole)
        weights = features * HIDDEN_UNITS
        yield LayerSpec("Dense", 0, (HIDDEN_UNITS,), weights + HIDDEN_UNITS, weights, whole)
        features = HIDDEN_UNITS
    yield LayerSpec("Dense", 0, (2,), 2 * features + 2, 2 * features, whole)


def _check_in_range(name: str, value: int, limits: tuple[int, int]) -> None:
    low, high = limits
    if type(value) is not int or not low <= value <= high:
        raise ConfigError(f"{name} must be a whole number in [{low}, {high}]. Received: {value!r}")


def check_choice(name: str, value: object, known: Collection[object]) -> None:
    """Check a setting against its known values.

    Raises:
        ConfigError: ``value`` is none of them.
    """
    if value not in known:
        raise ConfigError(
            f"{name} must be one of {', '.join(map(str, known))}. Received: {value!r}"
        )


def _check_at_most(what: str, value: int, limit: int) -> None:
    if value > limit:
        raise ConfigError(
            f"A custom network has at most {limit:,} {what}; choose fewer blocks or filters, "
            f"a smaller kernel, or pooling. Received: {value:,}"
        )
