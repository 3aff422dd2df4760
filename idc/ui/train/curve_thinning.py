"""Make long histories short enough to draw, without hiding a spike."""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np


def thinned(values: Sequence[float] | np.ndarray, most: int) -> np.ndarray:
    """Which points to draw: the lowest and the highest of each bin, and the newest.

    Args:
        values: shape (n,).
        most: how many points to keep at most, at least 4.

    Returns:
        int64 positions, ascending; all of them when there are few enough.
    """
    count = len(values)
    if count <= most:
        return np.arange(count)
    borders = np.linspace(0, count, (most - 1) // 2 + 1).astype(int)
    kept = {count - 1}
    for start, end in pairwise(borders):
        piece = np.asarray(values[start:end])
        kept.update((start + int(piece.argmin()), start + int(piece.argmax())))
    return np.array(sorted(kept))


def smoothed(values: Sequence[float] | np.ndarray, weight: float = 0.95) -> np.ndarray:
    """Exponential moving average without the pull of its start (as Adam corrects its moments).

    Args:
        values: shape (n,).
        weight: of the past, [0, 1).

    Returns:
        float64, shape (n,).
    """
    average, result = 0.0, np.empty(len(values))
    for position, value in enumerate(values):
        average = weight * average + (1 - weight) * value
        result[position] = average / (1 - weight ** (position + 1))
    return result
