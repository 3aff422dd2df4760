"""Training patches in the device's memory, selected and augmented there.

The host then sends only row numbers and augmentation draws: about 30 bytes per patch instead of
7,500, and no computation. All 277,524 patches take 2.1 GB.
"""

from typing import Any

import keras
import numpy as np
from keras import ops

from idc.training.augmentation import AugmentationDraw, draw_augmentation, view_pixel_indices

_NAME = "patches_on_device"


def device_inputs(rows: np.ndarray, drawn: AugmentationDraw) -> tuple[np.ndarray, ...]:
    """The inputs of `model_with_device_patches`'s model for a batch.

    Args:
        rows: of the store, shape (b,).

    Returns:
        rows, int32 (b,), and the parts of ``drawn`` as int32 and float32.
    """
    kinds = {"i": np.int32, "f": np.float32}
    return tuple(part.astype(kinds[part.dtype.kind]) for part in (rows, *drawn))


def model_with_device_patches(network: keras.Model, patches: np.ndarray, kind: str) -> keras.Model:
    """A model around a network, for ``fit``: its inputs are `device_inputs`.

    Both share their weights, so training the model trains the network.

    Args:
        patches: uint8 RGB, shape (n, side, side, 3), possibly a memory map; copied to the device.
        kind: as for `idc.training.augmentation.augment`.
    """
    one = device_inputs(np.zeros(1, int), draw_augmentation(kind, np.random.default_rng(0), 1))
    inputs = [keras.Input(part.shape[1:], dtype=str(part.dtype)) for part in one]
    return keras.Model(inputs, network(PatchesOnDevice(patches)(inputs)), name=network.name)


def variables_without_patches(variables: list[keras.Variable]) -> list[keras.Variable]:
    """A model's variables without the patches, which are constant."""
    return [variable for variable in variables if variable.name != _NAME]


class PatchesOnDevice(keras.layers.Layer):
    """Maps `device_inputs` to augmented patches: uint8 RGB, shape (b, side, side, 3)."""

    def __init__(self, patches: np.ndarray) -> None:
        super().__init__(autocast=False, trainable=False)
        pixels = patches.reshape(len(patches), -1, 3)
        self._patches = keras.Variable(pixels, dtype="uint8", trainable=False, name=_NAME)
        self._patch_shape = patches.shape[1:]
        self._view_pixels = view_pixel_indices(patches.shape[1])

    def call(self, inputs: list[Any]) -> Any:
        """Equal to `idc.training.augmentation.apply_augmentation`, except that stain may differ by
        1."""
        rows, *drawn = inputs
        patches = ops.take(self._patches, rows, axis=0)
        if drawn:
            pixels = ops.take(ops.convert_to_tensor(self._view_pixels), drawn[0], axis=0)
            patches = ops.take_along_axis(patches, pixels[:, :, None], axis=1)
        patches = ops.reshape(patches, (-1, *self._patch_shape))
        return patches if len(drawn) < 3 else _jitter_stain(patches, *drawn[1:])


def _jitter_stain(patches: Any, factor: Any, shift: Any) -> Any:
    """`idc.training.augmentation.jitter_stain` in operations of the backend."""
    density = -ops.log((ops.cast(patches, "float32") + 1) / 256) * factor + shift
    return ops.cast(ops.clip(ops.round(256 * ops.exp(-density) - 1), 0, 255), "uint8")
