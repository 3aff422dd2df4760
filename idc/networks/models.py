"""The CNNs by name, in plain Keras 3.

One convention everywhere: a model is fed RGB uint8 patches, shape (n, 50, 50, 3), as they lie in
the store, and scales them inside. It answers float32, shape (n, 2): the probabilities of
IDC-negative and IDC-positive.
"""

from collections.abc import Callable, Sequence
from typing import Any

import keras
from keras import layers

from idc.errors import ConfigError
from idc.networks.architecture import CUSTOM_PRESET, HIDDEN_UNITS, parse_architecture
from idc.patches import PATCH_SHAPE

IDC_POSITIVE = 1  # column of the model's answer

# Mean and spread of red, green and blue over training patches of the real set, in [0, 1].
_MEAN = (0.805, 0.615, 0.735)
_STD = (0.155, 0.215, 0.165)
_STANDARDISATION = (
    [1 / 255 / s for s in _STD],
    [-m / s for m, s in zip(_MEAN, _STD, strict=True)],
)


def build_model(name: str) -> keras.Model:
    """Build an untrained, uncompiled network; `keras.utils.set_random_seed` sets its weights.

    Args:
        name: as `idc.settings.training_config.TrainingConfig.network` says it.

    Raises:
        ConfigError: there is no network of that name.
    """
    if name.startswith(f"{CUSTOM_PRESET}-"):
        return custom_cnn(name.removeprefix(f"{CUSTOM_PRESET}-"))
    if name not in _BUILDERS:
        raise ConfigError(f"preset must be one of {', '.join(_BUILDERS)}. Received: {name!r}")
    return _BUILDERS[name]()


def notebook_cnn() -> keras.Model:
    """The notebook's CNN, layer by layer: 2,514,410 parameters.

    The notebook feeds it BGR as OpenCV reads it, 0 to 255, unscaled. Ours is fed RGB uint8 and
    divides by 255 inside; the layers from the first convolution on are the notebook's.
    """
    return keras.Sequential(
        [
            keras.Input(PATCH_SHAPE, dtype="uint8", name="patch"),
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


def fast_cnn() -> keras.Model:
    """A small residual network that learns quickly and answers quickly."""
    return residual_cnn("fast", widths=(16, 32, 64))


def accurate_cnn() -> keras.Model:
    """The same plan, wider: slower, and better where there is time to train it."""
    return residual_cnn("accurate", widths=(32, 64, 96))


def residual_cnn(name: str, widths: Sequence[int]) -> keras.Model:
    """A residual network (He et al. 2015, arXiv:1512.03385) for 50x50 patches.

    The stem halves the patch; each stage halves it again, then adds one residual block. The last
    batch normalisation of a block starts at zero, so that at first a block passes on what it is
    given (Goyal et al. 2017, arXiv:1706.02677). Global average pooling takes the place of the large
    flattened layer.

    Args:
        widths: channels of each stage; the stem has those of the first.
    """
    patch = keras.Input(PATCH_SHAPE, dtype="uint8", name="patch")
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


def custom_cnn(architecture: str) -> keras.Model:
    """What a visitor put together; layer by layer as `idc.networks.architecture` counts it.

    Args:
        architecture: as `idc.networks.architecture.parse_architecture` reads it.

    Raises:
        ConfigError: it cannot be read, or a choice lies outside its range.
    """
    built = parse_architecture(architecture)
    pool = {"max": layers.MaxPooling2D, "average": layers.AveragePooling2D, "none": None}
    patch = keras.Input(PATCH_SHAPE, dtype="uint8", name="patch")
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


def _linear_conv(filters: int, size: int, *, strides: int = 1, name: str) -> layers.Layer:
    return layers.Conv2D(
        filters,
        size,
        strides=strides,
        padding="same",
        use_bias=False,  # the batch normalisation behind it has one
        kernel_initializer="he_normal",
        name=name,
    )


def _batch_norm(x: Any, gamma: str = "ones") -> Any:
    # A run of a few hundred steps ends before Keras' momentum of 0.99 has forgotten the start.
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
    # In float32 also in mixed precision: float16 has no numbers near 1 for a sure answer.
    return layers.Dense(2, activation="softmax", dtype="float32", name="probabilities")


_BUILDERS: dict[str, Callable[[], keras.Model]] = {
    "notebook": notebook_cnn,
    "fast": fast_cnn,
    "accurate": accurate_cnn,
}
