"""Training batches, drawn so that any of them can be made again: from seed, epoch and step."""

import math
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np

from idc.training.augmentation import apply_augmentation, draw_augmentation
from idc.training.device_patches import device_inputs


@dataclass(frozen=True)
class BatchShard:
    """One process's part of every batch, contiguous: process ``index`` of ``processes``.

    Attributes:
        devices: of all processes together, the same number in each.
    """

    index: int = 0
    processes: int = 1
    devices: int = 1

    def of(self, rows: np.ndarray) -> tuple[np.ndarray, int, int]:
        """The own rows of a batch, the length of the batch when filled up, and where they begin."""
        whole = -(-len(rows) // self.devices) * self.devices
        length = whole // self.processes
        first = self.index * length
        return np.resize(rows, whole)[first : first + length], whole, first


WHOLE_BATCH = BatchShard()


class TrainingBatches(keras.utils.PyDataset):
    """One epoch's batches in the epoch's own order.

    Each item is (patches, targets): uint8 RGB, shape (b, 50, 50, 3), and one-hot float32, shape
    (b, 2). The last batch may be smaller.

    Where the patches lie on the device, the first is what draws them there instead: see
    `idc.training.device_patches.device_inputs`.

    Args:
        patches: uint8 RGB, shape (n, 50, 50, 3), possibly a memory map.
        labels: {0, 1}, shape (n,).
        rows: the training part's row numbers.
        balancing: "resampling" draws as many patches of each class, as many in all as there are.
        epoch: from 1.
        first_step: begin after so many of the epoch's batches.
        on_device: whether the patches lie on the device.
        share: whose part of each batch this is, where several machines train as one. A batch that
            does not divide evenly among all devices (the last one) is filled up with its own first
            patches.
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
        share: BatchShard = WHOLE_BATCH,
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
        self._on_device, self._share = on_device, share

    def __len__(self) -> int:
        return math.ceil(len(self._order) / self._batch_size) - self._first_step

    def __getitem__(self, number: int) -> tuple[Any, np.ndarray]:
        step = self._first_step + number
        rows = self._order[step * self._batch_size : (step + 1) * self._batch_size]
        rng = np.random.default_rng([self._seed, self._epoch, step])
        rows, whole, first = self._share.of(rows)
        # Machines that share a batch draw the same for all of it, and each takes its own part.
        drawn = tuple(
            part[first : first + len(rows)]
            for part in draw_augmentation(self._augmentation, rng, whole)
        )
        targets = np.eye(2, dtype=np.float32)[self._labels[rows]]
        if self._on_device:
            return device_inputs(rows, drawn), targets
        return apply_augmentation(self._patches[rows], drawn), targets


def class_weights(labels: np.ndarray) -> dict[int, float]:
    """Weights that make both classes count the same in the loss, 1 in the mean over patches.

    Args:
        labels: {0, 1}, shape (n,). A class that is missing weighs 1.
    """
    counts = np.bincount(labels, minlength=2)
    present = np.count_nonzero(counts)
    return {label: len(labels) / (present * int(n)) if n else 1.0 for label, n in enumerate(counts)}


def _balance_classes(rows: np.ndarray, labels: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    classes = [rows[labels[rows] == label] for label in (0, 1)]
    if not all(len(of_class) for of_class in classes):
        return rows
    half = len(rows) // 2
    wanted = (len(rows) - half, half)
    # The commoner class is drawn without repeats, the rarer one has to repeat itself.
    return np.concatenate(
        [
            rng.choice(of_class, n, replace=n > len(of_class))
            for of_class, n in zip(classes, wanted, strict=True)
        ]
    )
