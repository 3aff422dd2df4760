"""The CNNs by name, in plain Keras 3.

Every model takes uint8 RGB patches, shape (n, side, side, 3), as they are in the store, and
rescales them inside. Its output is float32, shape (n, 2): the probabilities of IDC-negative and
IDC-positive.
"""

from collections.abc import Callable, Sequence
from typing import Any

import keras
from keras import layers

from idc.errors import ConfigError
from idc.networks.architecture import CUSTOM_PRESET, HIDDEN_UNITS, parse_architecture
from idc.patches import PATCH_SIZE_PX

IDC_POSITIVE = 1  # column of the model's output

# Mean and standard deviation of R, G and B over training patches of the real set, in [0, 1].
_MEAN = (0.805, 0.615, 0.735)
_STD = (0.155, 0.215, 0.165)
_STANDARDISATION = (
    [1 / 255 / s for s in _STD],
    [-m / s for m, s in zip(_MEAN, _STD, strict=True)],
)


def build_model(name: str, side_px: int = PATCH_SIZE_PX) -> keras.Model:
    """Build an untrained, uncompiled network; its weights follow `keras.utils.set_random_seed`.

    Args:
        name: `idc.settings.training_config.TrainingConfig.network`.
        side_px: side of its patches.

    Raises:
        ConfigError: there is no network of that name, or it is too deep for such patches.
    """
    if name.startswith(f"{CUSTOM_PRESET}-"):
        return custom_cnn(name.removeprefix(f"{CUSTOM_PRESET}-"), side_px)
    if name not in _BUILDERS:
        raise ConfigError(f"preset must be one of {', '.join(_BUILDERS)}. Received: {name!r}")
    return _BUILDERS[name](side_px)


def notebook_cnn(side_px: int = PATCH_SIZE_PX) -> keras.Model:
    """The notebook's CNN, layer by layer: 2,514,410 parameters for patches of 50 px.

    The notebook's input is BGR as OpenCV reads it, 0 to 255, unscaled; here it is uint8 RGB,
    divided by 255 inside. All layers from the first convolution on are the notebook's.
    """
    return keras.Sequential(
        [
            _patch_input(side_px),
            layers.Rescaling(1 / 255),
            _conv_relu(32),
            layers.BatchNormalization(),
            _conv_relu(32),
            layers.MaxPooling2D(2),
            layers.BatchNormalization(),
            layers.Dropout(0.3),
            _conv_relu(64),
            layers.BatchNormalization(),
            _conv_relu(64),
            layers.BatchNormalization(),
            layers.MaxPooling2D(2),
            layers.Dropout(0.3),
            _conv_relu(128),
            layers.Flatten(),
            _dense(128),
            layers.BatchNormalization(),
            _dense(64),
            layers.BatchNormalization(),
            _dense(64),
            layers.Dropout(0.3),
            _dense(24),
            _softmax_output(),
        ],
        name="notebook",
    )


def fast_cnn(side_px: int = PATCH_SIZE_PX) -> keras.Model:
    """A small residual network that trains and predicts quickly."""
    return residual_cnn("fast", widths=(16, 32, 64), side_px=side_px)


def accurate_cnn(side_px: int = PATCH_SIZE_PX) -> keras.Model:
    """The same architecture with more channels: slower to train, with better scores."""
    return residual_cnn("accurate", widths=(32, 64, 96), side_px=side_px)


def residual_cnn(name: str, widths: Sequence[int], side_px: int = PATCH_SIZE_PX) -> keras.Model:
    """A residual network (He et al. 2015, arXiv:1512.03385).

    The stem halves the patch; each stage halves it again, then adds one residual block. The last
    batch normalisation of a block starts at zero, so that the block is initially the identity
    (Goyal et al. 2017, arXiv:1706.02677). Global average pooling replaces the large flattened
    layer.

    Args:
        widths: channels of each stage; the stem has as many as the first.
    """
    patch = _patch_input(side_px)
    x = layers.Rescaling(*_STANDARDISATION, name="standardise")(patch)
    x = _relu(_batch_norm(_linear_conv(widths[0], 4, strides=2, name="stem")(x)))
    for number, width in enumerate(widths, start=1):
        x = _relu(_batch_norm(_linear_conv(width, 3, strides=2, name=f"stage{number}_down")(x)))
        inner = _relu(_batch_norm(_linear_conv(width, 3, name=f"stage{number}_a")(x)))
        inner = _batch_norm(_linear_conv(width, 3, name=f"stage{number}_b")(inner), gamma="zeros")
        x = _relu(layers.Add(name=f"stage{number}")([x, inner]))
    x = layers.GlobalAveragePooling2D(name="features")(x)
    x = _softmax_output()(x)
    return keras.Model(patch, x, name=name)


def custom_cnn(architecture: str, side_px: int = PATCH_SIZE_PX) -> keras.Model:
    """A network built on Build, with the layers that `idc.networks.architecture` lists.

    Args:
        architecture: see `idc.networks.architecture.parse_architecture`.

    Raises:
        ConfigError: it cannot be parsed, a choice lies outside its range, or it is too deep or too
            large for such patches.
    """
    built = parse_architecture(architecture, side_px)
    pool = {"max": layers.MaxPooling2D, "average": layers.AveragePooling2D, "none": None}
    patch = _patch_input(side_px)
    x = layers.Rescaling(*_STANDARDISATION, name="standardise")(patch)
    for block in range(1, built.blocks + 1):
        for number in range(1, built.convolutions + 1):
            filters, name = built.width * 2 ** (block - 1), f"block{block}_{number}"
            x = _relu(_batch_norm(_linear_conv(filters, built.kernel, name=name)(x)))
        if pooling := pool[built.pooling]:
            x = pooling(2, name=f"block{block}_pool")(x)
        if built.dropout_percent:
            x = layers.Dropout(built.dropout_percent / 100, name=f"block{block}_dropout")(x)
    if built.ending == "average":
        x = layers.GlobalAveragePooling2D(name="features")(x)
    else:
        x = _dense(HIDDEN_UNITS)(layers.Flatten(name="features")(x))
    x = _softmax_output()(x)
    return keras.Model(patch, x, name=f"{CUSTOM_PRESET}-{built}")


def _patch_input(side_px: int) -> Any:
    return keras.Input((side_px, side_px, 3), dtype="uint8", name="patch")


def _linear_conv(filters: int, size: int, *, strides: int = 1, name: str) -> layers.Layer:
    return layers.Conv2D(
        filters,
        size,
        strides=strides,
        padding="same",
        use_bias=False,  # batch normalisation follows and has one
        kernel_initializer="he_normal",
        name=name,
    )


def _batch_norm(x: Any, gamma: str = "ones") -> Any:
    # Keras' momentum of 0.99 adapts too slowly for runs of a few hundred steps.
    return layers.BatchNormalization(momentum=0.9, gamma_initializer=gamma)(x)


def _relu(x: Any) -> Any:
    return layers.Activation("relu")(x)


def _conv_relu(filters: int) -> layers.Layer:
    return layers.Conv2D(
        filters, 3, padding="same", activation="relu", kernel_initializer="he_uniform"
    )


def _dense(units: int) -> layers.Layer:
    return layers.Dense(units, activation="relu", kernel_initializer="he_uniform")


def _softmax_output() -> layers.Layer:
    # float32 in mixed precision too: float16 is too coarse for probabilities near 1.
    return layers.Dense(2, activation="softmax", dtype="float32", name="probabilities")


_BUILDERS: dict[str, Callable[[int], keras.Model]] = {
    "notebook": notebook_cnn,
    "fast": fast_cnn,
    "accurate": accurate_cnn,
}
