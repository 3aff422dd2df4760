"""Signatures of patches (digest, perceptual hash, contrast) and pairs of similar patches.

The perceptual hash has 64 bits (pHash, Zauner 2010): the 8x8 lowest frequencies of the cosine
transform of the grey patch, each above or below their median. A copy that was compressed,
brightened or scaled keeps nearly all bits; unrelated patches differ in about 32.
"""

import functools
import hashlib
import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np
import pandas as pd
import scipy.fft

from idc.progress import ProgressCallback

# Of copies made of real patches (JPEG quality 60, 20 grey levels brighter, shrunk to 40 px and
# back, noise of 5 grey levels) 99 % or more differ in at most 6 bits; of 164 million
# unrelated pairs among 18,129 real patches, 2 did (bench/leakage.py).
MAX_HAMMING_DISTANCE = 6
# Standard deviation of grey levels. Below it a patch is glass or one colour: its hash is noise.
MIN_CONTRAST = 5.0

_CHUNK_BYTES = 30_000_000  # of pixels
_HASH_FREQUENCIES, _CORRELATED_FREQUENCIES = 8, 16  # frequencies per axis
_BANDS, _BAND_BITS = 8, 8


@dataclass(frozen=True)
class Signatures:
    """Signatures of n patches; every array has shape (n,).

    Attributes:
        content_ids: int64; patches with identical pixels share a number.
        hashes: uint64, the perceptual hash.
        contrast: float32, standard deviation of the grey levels.
    """

    content_ids: np.ndarray
    hashes: np.ndarray
    contrast: np.ndarray

    @property
    def near_uniform(self) -> np.ndarray:
        """bool: contrast too low for a meaningful hash."""
        return self.contrast < MIN_CONTRAST


def compute_signatures(
    patches: np.ndarray,
    rows: np.ndarray,
    *,
    on_progress: ProgressCallback | None = None,
) -> Signatures:
    """Compute the signatures of patches, in chunks of a few thousand.

    Args:
        patches: uint8 RGB, shape (n, side, side, 3), possibly a memory map.
        rows: which of them, shape (m,).
        on_progress: called with (patches done, patches in all).
    """
    digests: list[bytes] = []
    hashes, contrast = np.empty(len(rows), np.uint64), np.empty(len(rows), np.float32)
    chunk_size = max(1, _CHUNK_BYTES // math.prod(patches.shape[1:]))
    for start in range(0, len(rows), chunk_size):
        here = slice(start, start + chunk_size)
        chunk = np.ascontiguousarray(patches[rows[here]])
        digests.extend(hashlib.blake2b(patch, digest_size=16).digest() for patch in chunk)
        grey = grey_levels(chunk)
        hashes[here], contrast[here] = perceptual_hashes(grey), grey.std(axis=(1, 2))
        if on_progress:
            on_progress(min(start + chunk_size, len(rows)), len(rows))
    content_ids = pd.factorize(np.array(digests, dtype=object))[0] if digests else np.empty(0)
    return Signatures(content_ids.astype(np.int64), hashes, contrast)


def grey_levels(patches: np.ndarray) -> np.ndarray:
    """Convert patches to grey levels.

    Args:
        patches: uint8 RGB, shape (n, side, side, 3).

    Returns:
        float32 [0, 255], shape (n, side, side).
    """
    # OpenCV converts single images only: use one tall image.
    tall = np.ascontiguousarray(patches).reshape(-1, patches.shape[2], 3)
    if not len(tall):
        return np.empty(patches.shape[:3], np.float32)
    return cv2.cvtColor(tall, cv2.COLOR_RGB2GRAY).reshape(patches.shape[:3]).astype(np.float32)


def perceptual_hashes(grey: np.ndarray) -> np.ndarray:
    """The perceptual hash of each patch.

    Args:
        grey: float32 [0, 255], shape (n, side, side).

    Returns:
        uint64, shape (n,).
    """
    low = _low_frequencies(grey, _HASH_FREQUENCIES)
    bits = low > np.median(low[:, 1:], axis=1, keepdims=True)  # the first is the brightness
    return np.packbits(bits, axis=1).view(">u8").ravel().astype(np.uint64)


def low_frequency_correlation(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Correlation of the 16x16 lowest frequencies, without the mean, of pairs of patches.

    Independent of fine detail, brightness and contrast.

    Args:
        one, other: uint8 RGB, shape (n, side, side, 3).

    Returns:
        float64 [-1, 1], shape (n,); 0 where a patch has a single colour.
    """
    a, b = (
        _low_frequencies(grey_levels(patches), _CORRELATED_FREQUENCIES)[:, 1:].astype(np.float64)
        for patches in (one, other)
    )
    norms = np.linalg.norm(a, axis=1), np.linalg.norm(b, axis=1)
    has_shape = np.minimum(*norms) > 1  # otherwise rounding errors
    dots = (a * b).sum(axis=1)
    return np.divide(dots, norms[0] * norms[1], out=np.zeros(len(a)), where=has_shape)


def similar_pairs(hashes: np.ndarray, group: np.ndarray) -> np.ndarray:
    """All pairs of different groups whose hashes differ in at most `MAX_HAMMING_DISTANCE` bits.

    Avoids comparing all pairs: of 8 bands of 8 bits, 6 differing bits leave at least two bands
    equal. Patches are sorted by each pair of bands (28 sorts), and only those that agree in both
    bands are compared.

    Args:
        hashes: uint64, shape (n,).
        group: int, shape (n,); pairs within a group are ignored.

    Returns:
        int64, shape (pairs, 2): positions, the lower first, ascending.
    """
    found = [np.empty((0, 2), np.int64)]
    for key in _band_keys(hashes):
        order = np.argsort(key, kind="stable")
        for first, second in _pairs_of_equal_key(key[order]):
            pairs = np.column_stack([order[first], order[second]])
            pairs = pairs[group[pairs[:, 0]] != group[pairs[:, 1]]]
            bits = np.bitwise_count(hashes[pairs[:, 0]] ^ hashes[pairs[:, 1]])
            found.append(np.sort(pairs[bits <= MAX_HAMMING_DISTANCE], axis=1))
    return np.unique(np.concatenate(found), axis=0)


def _low_frequencies(grey: np.ndarray, each_way: int) -> np.ndarray:
    """float32, shape (n, each_way ** 2); the first is the brightness."""
    basis = _dct_basis(grey.shape[1])[:each_way]
    return (basis @ grey @ basis.T).reshape(len(grey), each_way**2)


@functools.cache
def _dct_basis(side_px: int) -> np.ndarray:
    """The orthonormal cosine transform, the lowest frequencies first; float32 (side, side)."""
    return scipy.fft.dct(np.eye(side_px, dtype=np.float32), axis=0, norm="ortho")


def _band_keys(hashes: np.ndarray) -> Iterator[np.ndarray]:
    bands = [
        (hashes >> np.uint64(_BAND_BITS * band)).astype(np.uint8).astype(np.uint16)
        for band in range(_BANDS)
    ]
    # One equal band would find every pair; two give sixty times fewer candidates.
    for one, other in itertools.combinations(bands, 2):
        yield (one << _BAND_BITS) | other


def _pairs_of_equal_key(key: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Pairs of positions with equal keys in a sorted key, by increasing distance."""
    first = np.arange(len(key))
    for distance in itertools.count(1):
        first = first[first + distance < len(key)]
        first = first[key[first] == key[first + distance]]
        if not len(first):
            return
        yield first, first + distance
