"""Reduce long curves to few points without losing spikes, and smooth them."""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np


def thinned(values: Sequence[float] | np.ndarray, max_points: int) -> np.ndarray:
    """The points to draw: minimum and maximum of each bin, and the newest point.

    Args:
        values: shape (n,).
        max_points: maximum number of points to keep, at least 4.

    Returns:
        int64 positions, ascending; all of them if there are at most `max_points`.
    """
    count = len(values)
    if count <= max_points:
        return np.arange(count)
    borders = np.linspace(0, count, (max_points - 1) // 2 + 1).astype(int)
    kept = {count - 1}
    for start, end in pairwise(borders):
        piece = np.asarray(values[start:end])
        kept.update((start + int(piece.argmin()), start + int(piece.argmax())))
    return np.array(sorted(kept))


def smoothed(values: Sequence[float] | np.ndarray, weight: float = 0.95) -> np.ndarray:
    """Exponential moving average with bias correction, as Adam corrects its moments.

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
