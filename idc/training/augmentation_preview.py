"""A picture of training patches and their augmented views."""

import numpy as np

from idc.training.augmentation import augment

VIEWS_PER_PATCH = 6
_PATCHES_PER_CLASS = 2
_GAP_PX = 4
_ORIGINAL_GAP_PX = 16  # between a patch and its views


def preview_rows(labels: np.ndarray, rows: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Choose two training patches of each class, or as many as exist.

    Args:
        labels: {0, 1} of the whole store. ``rows``: int64, the training part.

    Returns:
        int64 row numbers, IDC-negative first.
    """
    chosen = []
    for label in (0, 1):
        of_class = rows[labels[rows] == label]
        chosen.append(rng.choice(of_class, min(_PATCHES_PER_CLASS, len(of_class)), replace=False))
    return np.concatenate(chosen)


def preview_picture(patches: np.ndarray, kind: str, rng: np.random.Generator) -> np.ndarray:
    """One row per patch: the patch, then augmented views of it.

    Args:
        patches: uint8 RGB, shape (n, 50, 50, 3).
        kind: as for `idc.training.augmentation.augment`.

    Returns:
        uint8 RGBA, transparent between the patches.
    """
    views = [augment(patches, kind, rng) for _ in range(VIEWS_PER_PATCH)]
    size = patches.shape[1]
    step = size + _GAP_PX
    width = size + _ORIGINAL_GAP_PX + VIEWS_PER_PATCH * step - _GAP_PX
    picture = np.zeros((len(patches) * step - _GAP_PX, width, 4), np.uint8)
    for row, columns in enumerate(zip(patches, *views, strict=True)):
        top = row * step
        for column, patch in enumerate(columns):
            left = column * step + (_ORIGINAL_GAP_PX - _GAP_PX if column else 0)
            picture[top : top + size, left : left + size, :3] = patch
            picture[top : top + size, left : left + size, 3] = 255
    return picture
