"""The CNNs by name, in plain Keras 3.

One convention everywhere: a model is fed RGB uint8 patches, shape (n, 50, 50, 3), as they lie in
the store, and scales them inside. It answers float32, shape (n, 2): the probabilities of
IDC-negative and IDC-positive.
"""

from collections.abc import Callable

import keras
from keras import layers

from idc.errors import ConfigError
from idc.patches import PATCH_SHAPE

IDC_POSITIVE = 1  # column of the model's answer


def build_model(name: str) -> keras.Model:
    """Build an untrained, uncompiled network; `keras.utils.set_random_seed` sets its weights.

    Raises:
        ConfigError: there is no network of that name.
    """
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
            _conv(32),
            layers.BatchNormalization(),
            _conv(32),
            layers.MaxPooling2D(2),
            layers.BatchNormalization(),
            layers.Dropout(0.3),
            _conv(64),
            layers.BatchNormalization(),
            _conv(64),
            layers.BatchNormalization(),
            layers.MaxPooling2D(2),
            layers.Dropout(0.3),
            _conv(128),
            layers.Flatten(),
            _dense(128),
            layers.BatchNormalization(),
            _dense(64),
            layers.BatchNormalization(),
            _dense(64),
            layers.Dropout(0.3),
            _dense(24),
            layers.Dense(2, activation="softmax", name="probabilities"),
        ],
        name="notebook",
    )


def _conv(filters: int) -> layers.Layer:
    return layers.Conv2D(
        filters, 3, padding="same", activation="relu", kernel_initializer="he_uniform"
    )


def _dense(units: int) -> layers.Layer:
    return layers.Dense(units, activation="relu", kernel_initializer="he_uniform")


_BUILDERS: dict[str, Callable[[], keras.Model]] = {"notebook": notebook_cnn}
