"""Training patches that lie in the memory of the device, and are drawn and changed there.

A batch that comes from the host is then row numbers and what augmentation drew: some 30 bytes a
patch instead of 7,500, and nothing to compute. All 277,524 patches take 2.1 GB.
"""

from typing import Any

import keras
import numpy as np
from keras import ops

from idc.patches import PATCH_SHAPE
from idc.training.augmentation import AugmentationDraw, draw_augmentation, view_pixel_indices

_NAME = "patches_on_device"


def device_inputs(rows: np.ndarray, drawn: AugmentationDraw) -> tuple[np.ndarray, ...]:
    """What `model_with_device_patches`'s model is fed for a batch.

    Args:
        rows: of the store, shape (b,).

    Returns:
        rows, int32 (b,), and the parts of ``drawn`` as int32 and float32.
    """
    kinds = {"i": np.int32, "f": np.float32}
    return tuple(part.astype(kinds[part.dtype.kind]) for part in (rows, *drawn))


def model_with_device_patches(network: keras.Model, patches: np.ndarray, kind: str) -> keras.Model:
    """A model around a network, for ``fit``: fed `device_inputs`, it draws and changes the patches.

    The weights are the network's own, so that who trains the one trains the other.

    Args:
        patches: uint8 RGB, shape (n, 50, 50, 3), possibly a memory map; copied to the device.
        kind: of augmentation, as of `idc.training.augmentation.augment`.
    """
    one = device_inputs(np.zeros(1, int), draw_augmentation(kind, np.random.default_rng(0), 1))
    fed = [keras.Input(part.shape[1:], dtype=str(part.dtype)) for part in one]
    return keras.Model(fed, network(PatchesOnDevice(patches)(fed)), name=network.name)


def variables_without_patches(variables: list[keras.Variable]) -> list[keras.Variable]:
    """A model's variables but for the patches, which no training changes."""
    return [variable for variable in variables if variable.name != _NAME]


class PatchesOnDevice(keras.layers.Layer):
    """Row numbers and what `idc.training.augmentation.draw_augmentation` drew for each -> uint8 RGB
    (b, 50, 50, 3)."""

    def __init__(self, patches: np.ndarray) -> None:
        super().__init__(autocast=False, trainable=False)
        pixels = patches.reshape(len(patches), -1, 3)
        self._patches = keras.Variable(pixels, dtype="uint8", trainable=False, name=_NAME)
        self._places = view_pixel_indices()

    def call(self, fed: list[Any]) -> Any:
        """As `idc.training.augmentation.augment` of the patches in these rows, to a rounding of
        stain."""
        rows, *drawn = fed
        patches = ops.take(self._patches, rows, axis=0)
        if drawn:
            places = ops.take(ops.convert_to_tensor(self._places), drawn[0], axis=0)
            patches = ops.take_along_axis(patches, places[:, :, None], axis=1)
        patches = ops.reshape(patches, (-1, *PATCH_SHAPE))
        return patches if len(drawn) < 3 else _jitter_stain(patches, *drawn[1:])


def _jitter_stain(patches: Any, factor: Any, shift: Any) -> Any:
    """`idc.training.augmentation.jitter_stain` in the backend's own operations."""
    density = -ops.log((ops.cast(patches, "float32") + 1) / 256) * factor + shift
    return ops.cast(ops.clip(ops.round(256 * ops.exp(-density) - 1), 0, 255), "uint8")
