"""Training batches. Each one is a function of seed, epoch and step, so it can be reproduced."""

import math
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np

from idc.training.augmentation import apply_augmentation, draw_augmentation
from idc.training.device_patches import device_inputs


@dataclass(frozen=True)
class BatchShard:
    """One process's contiguous part of every batch: process ``index`` of ``processes``.

    Attributes:
        devices: of all processes together; each process has the same number.
    """

    index: int = 0
    processes: int = 1
    devices: int = 1

    def select(self, rows: np.ndarray) -> tuple[np.ndarray, int, int]:
        """Select this process's rows of a batch.

        A batch that the number of devices does not divide is padded with its own first rows.

        Returns:
            the rows, the length of the padded batch, and the position of the first row in it.
        """
        whole = -(-len(rows) // self.devices) * self.devices
        length = whole // self.processes
        first = self.index * length
        return np.resize(rows, whole)[first : first + length], whole, first


WHOLE_BATCH = BatchShard()


class TrainingBatches(keras.utils.PyDataset):
    """One epoch's batches in the epoch's own order.

    Each item is (patches, targets): uint8 RGB, shape (b, side, side, 3), and one-hot float32, shape
    (b, 2). The last batch may be smaller.

    If the patches are on the device, `idc.training.device_patches.device_inputs` take the place of
    the patches.

    Args:
        patches: uint8 RGB, shape (n, side, side, 3), possibly a memory map.
        labels: {0, 1}, shape (n,).
        rows: the training part's row numbers.
        balancing: "resampling" draws equal numbers of both classes, ``len(rows)`` in total.
        epoch: from 1.
        first_step: number of batches of the epoch to skip.
        on_device: whether the patches are on the device.
        shard: this process's part of each batch, see `BatchShard.select`.
    """

    def __init__(
        self,
        patches: np.ndarray,
        labels: np.ndarray,
        rows: np.ndarray,
        *,
        batch_size: int,
        augmentation: str,
        balancing: str = "none",
        seed: int,
        epoch: int,
        first_step: int = 0,
        on_device: bool = False,
        shard: BatchShard = WHOLE_BATCH,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self._patches, self._labels = patches, labels
        rng = np.random.default_rng([seed, epoch])
        if balancing == "resampling":
            rows = _balance_classes(rows, labels, rng)
        self._order = rng.permutation(rows)
        self._batch_size = batch_size
        self._augmentation = augmentation
        self._seed, self._epoch, self._first_step = seed, epoch, first_step
        self._on_device, self._shard = on_device, shard

    def __len__(self) -> int:
        return math.ceil(len(self._order) / self._batch_size) - self._first_step

    def __getitem__(self, number: int) -> tuple[Any, np.ndarray]:
        step = self._first_step + number
        rows = self._order[step * self._batch_size : (step + 1) * self._batch_size]
        rng = np.random.default_rng([self._seed, self._epoch, step])
        rows, length, first = self._shard.select(rows)
        # All processes draw the augmentation of the whole batch; each uses its own part.
        drawn = tuple(
            part[first : first + len(rows)]
            for part in draw_augmentation(self._augmentation, rng, length)
        )
        targets = np.eye(2, dtype=np.float32)[self._labels[rows]]
        if self._on_device:
            return device_inputs(rows, drawn), targets
        return apply_augmentation(self._patches[rows], drawn), targets


def class_weights(labels: np.ndarray) -> dict[int, float]:
    """Weights with which both classes contribute equally to the loss; their mean over patches is 1.

    Args:
        labels: {0, 1}, shape (n,). A missing class gets 1.
    """
    counts = np.bincount(labels, minlength=2)
    present = np.count_nonzero(counts)
    return {label: len(labels) / (present * int(n)) if n else 1.0 for label, n in enumerate(counts)}


def _balance_classes(rows: np.ndarray, labels: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    classes = [rows[labels[rows] == label] for label in (0, 1)]
    if not all(len(of_class) for of_class in classes):
        return rows
    half = len(rows) // 2
    counts = (len(rows) - half, half)
    # The larger class is drawn without replacement, the smaller one with replacement.
    return np.concatenate(
        [
            rng.choice(of_class, n, replace=n > len(of_class))
            for of_class, n in zip(classes, counts, strict=True)
        ]
    )
