"""Appearance of patches as seven numbers, and limits for patches unlike the training patches.

An `AppearanceProfile` is fitted on training patches; its limits are set on training and validation
patches, so that about `TARGET_WARNING_RATE` of such patches exceed one. Each of the seven signals
of a patch is larger the less familiar the patch is:

- ``blank``: the share of the patch that is not stained tissue.
- ``grey``: how little its colours differ from grey.
- ``brown``, ``cold``: the share of its stain that absorbs blue, or red, more than green.
  Haematoxylin and eosin both absorb green most; DAB, the brown of immunostains, absorbs blue most,
  and the faint haematoxylin beside it red.
- ``colour``: bits to code a pixel by the training patches' colours: high for colours they lack.
- ``texture``: distance of the contrast at four scales (4, 8, 16 um and coarser) from theirs.
- ``features``: distance of the network's features from theirs.

Distances are Mahalanobis distances (for features: Lee et al. 2018, arXiv:1807.03888).
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from idc.datasets.measurements import MIN_TISSUE_DENSITY
from idc.errors import DataError
from idc.files.arrays import read_arrays, write_arrays

SIGNALS = ("blank", "grey", "brown", "cold", "colour", "texture", "features")
# The warnings of the first four must be true for any training patches: their limits are never
# stricter than these shares of the patch, and this difference of its colours, of 255.
_MIN_LIMITS = np.array([0.75, -12, 0.25, 0.25, *[-np.inf] * 3], np.float32)
TARGET_WARNING_RATE = 0.015
MIN_TRAINING_PATCHES = 200  # patches that a profile takes; below, its limits would be chance

_COLOUR_COUNT = 16**3
_MAX_BITS = 23.0
_SIGMAS = (1, 2, 4)
_MIN_CONTRAST = 1e-3
_BATCH_SIZE = 64
_BROWN_MARGIN = 0.05  # a twentieth of the density: eosin and blood come close to equal parts

_OPTICAL_DENSITY = -np.log10((np.arange(256) + 1) / 256).astype(np.float32)


@dataclass(frozen=True)
class AppearanceProfile:
    """The appearance of training patches and the limits for others. Contains no image.

    Attributes:
        colour_bits: float32, shape (4096,): bits to code a pixel, by its colour in 16 levels each
            of red, green and blue.
        texture_mean, texture_inverse: float32, shapes (4,) and (4, 4): of the log contrasts.
        fine_detail: float32, shape (4,): the expected finest log contrast is this times (1, the
            three coarser ones).
        features_mean, features_inverse: float32, shapes (f,) and (f, f).
        limits: float32, shape (7,), of `SIGNALS`.
        patches: how many it was fitted on.
    """

    colour_bits: np.ndarray
    texture_mean: np.ndarray
    texture_inverse: np.ndarray
    fine_detail: np.ndarray
    features_mean: np.ndarray
    features_inverse: np.ndarray
    limits: np.ndarray
    patches: int

    def signals(self, patches: np.ndarray, features: np.ndarray) -> np.ndarray:
        """The seven numbers of each patch.

        Args:
            patches: uint8 RGB, shape (n, 50, 50, 3).
            features: float, shape (n, f), the network's.

        Returns:
            float32, shape (n, 7), in the order of `SIGNALS`.
        """
        contrast = log_contrasts(patches)
        return np.column_stack(
            [
                _stain_signals(patches),
                self.colour_bits[_colour_bins(patches)].mean(axis=1),
                _mahalanobis(contrast, self.texture_mean, self.texture_inverse),
                _mahalanobis(features, self.features_mean, self.features_inverse),
            ]
        ).astype(np.float32)

    def exceeded_limits(self, patches: np.ndarray, features: np.ndarray) -> np.ndarray:
        """Which limits each patch exceeds: bool, shape (n, 7). Arguments as of `signals`."""
        return self.signals(patches, features) > self.limits

    def lacks_detail(self, patches: np.ndarray) -> np.ndarray:
        """Whether a patch has less fine contrast than expected from its coarse contrast.

        Returns:
            bool, shape (n,).
        """
        contrast = log_contrasts(patches)
        return contrast[:, 0] < _with_intercept(contrast[:, 1:]) @ self.fine_detail

    def save(self, path: Path) -> None:
        """Write the profile atomically.

        Raises:
            DataError: it cannot be written.
        """
        write_arrays(path, **{field.name: getattr(self, field.name) for field in fields(self)})

    @classmethod
    def load(cls, path: Path, content: bytes | None = None) -> "AppearanceProfile":
        """Read what `save` wrote; arguments as `idc.files.arrays.read_arrays`.

        Raises:
            DataError: the file is missing or damaged.
        """
        arrays: dict[str, Any] = read_arrays(path, content)
        try:
            return cls(**{**arrays, "patches": int(arrays["patches"])})
        except (KeyError, TypeError) as error:
            raise DataError(f"'{path.name}' is damaged: it is not a profile.") from error


def fit_profile(
    training: tuple[np.ndarray, np.ndarray],
    held_out: tuple[np.ndarray, np.ndarray],
    *,
    warning_rate: float = TARGET_WARNING_RATE,
) -> AppearanceProfile:
    """Fit a profile on training patches and set its limits on these and on held-out ones.

    Held-out patches are included because the network fitted its features to the training patches.

    Args:
        training: patches, uint8 RGB, shape (n, 50, 50, 3); and their features, float, (n, f).
        held_out: the same of patches that did not train; may be empty.
        warning_rate: the share of all these patches that may exceed a limit, (0, 1).

    Raises:
        DataError: there are fewer than `MIN_TRAINING_PATCHES` training patches.
    """
    patches, features = training
    if len(patches) < MIN_TRAINING_PATCHES:
        raise DataError(
            f"A profile needs at least {MIN_TRAINING_PATCHES} training patches. Received: "
            f"{len(patches)}"
        )
    contrast = log_contrasts(patches)
    texture_mean, texture_inverse = _gaussian(contrast)
    features_mean, features_inverse = _gaussian(features)
    fine_detail, *_ = np.linalg.lstsq(_with_intercept(contrast[:, 1:]), contrast[:, 0], rcond=None)
    unlimited = AppearanceProfile(
        _colour_bits(patches),
        texture_mean,
        texture_inverse,
        fine_detail.astype(np.float32),
        features_mean,
        features_inverse,
        np.full(len(SIGNALS), np.inf, np.float32),
        len(patches),
    )
    signals = np.concatenate(
        [unlimited.signals(*batch) for batch in (training, held_out) if len(batch[0])]
    )
    return replace(unlimited, limits=_limits(signals, warning_rate))


def log_contrasts(patches: np.ndarray) -> np.ndarray:
    """The spread of optical density in four bands, finest first, as logarithms.

    Args:
        patches: uint8 RGB, shape (n, 50, 50, 3).

    Returns:
        float32, shape (n, 4): below 4 um, 4 to 8, 8 to 16, and coarser.
    """
    spreads = np.empty((len(patches), len(_SIGMAS) + 1), np.float32)
    for start in range(0, len(patches), _BATCH_SIZE):
        batch = patches[start : start + _BATCH_SIZE]
        densities = np.mean(_densities(batch), axis=0).reshape(batch.shape[:3])
        for number, density in enumerate(densities, start):
            finer = density
            for band, sigma in enumerate(_SIGMAS):
                smoother = cv2.GaussianBlur(density, (6 * sigma + 1, 6 * sigma + 1), sigma)
                spreads[number, band] = _standard_deviation(finer - smoother)
                finer = smoother
            spreads[number, -1] = _standard_deviation(finer)
    return np.log(spreads + _MIN_CONTRAST)


def _standard_deviation(values: np.ndarray) -> float:
    return float(cv2.meanStdDev(values)[1][0, 0])  # a tenth of what np.std takes


def _channels(patches: np.ndarray) -> Sequence[np.ndarray]:
    """Red, green and blue: uint8, shape (n, 2500) each."""
    return cv2.split(patches.reshape(len(patches), -1, 3))


def _densities(patches: np.ndarray) -> list[np.ndarray]:
    """Optical density of red, green and blue: float32, shape (n, 2500) each."""
    return [cv2.LUT(plane, _OPTICAL_DENSITY) for plane in _channels(patches)]


def _stain_signals(patches: np.ndarray) -> np.ndarray:
    """float, shape (n, 4): blank, grey, brown, cold."""
    signals = np.empty((len(patches), 4))
    for start in range(0, len(patches), _BATCH_SIZE):
        batch = patches[start : start + _BATCH_SIZE]
        red, green, blue = _densities(batch)
        total = red + green + blue
        # Each pixel's share of the patch's stain: faint pixels, all noise, hardly count.
        stain = total / np.maximum(total.sum(axis=1, keepdims=True), 1e-6)
        batch_signals = signals[start : start + len(batch)]
        batch_signals[:, 0] = (total <= 3 * MIN_TISSUE_DENSITY).mean(axis=1)
        batch_signals[:, 1] = -np.ptp(np.stack(_channels(batch)), axis=0).mean(axis=1)
        batch_signals[:, 2] = (
            stain * (blue - green > _BROWN_MARGIN * (total + _BROWN_MARGIN))
        ).sum(axis=1)
        batch_signals[:, 3] = (stain * (red > green)).sum(axis=1)
    return signals


def _colour_bins(patches: np.ndarray) -> np.ndarray:
    """int16 [0, 4096), shape (n, 2500): each pixel's place in the table of colours."""
    bins = np.empty((len(patches), patches[0].size // 3), np.int16)
    for start in range(0, len(patches), _BATCH_SIZE):
        batch = patches[start : start + _BATCH_SIZE]
        red, green, blue = (plane.astype(np.int16) >> 4 for plane in _channels(batch))
        bins[start : start + len(batch)] = (red << 8) | (green << 4) | blue
    return bins


def _colour_bits(patches: np.ndarray) -> np.ndarray:
    counts = np.zeros(_COLOUR_COUNT)
    for start in range(0, len(patches), _BATCH_SIZE):
        bins = _colour_bins(patches[start : start + _BATCH_SIZE])
        counts += np.bincount(bins.ravel(), minlength=len(counts))
    with np.errstate(divide="ignore"):
        bits = -np.log2(counts / counts.sum())
    return np.minimum(bits, _MAX_BITS).astype(np.float32)


def _gaussian(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean and inverse covariance, the covariance shrunk (Ledoit & Wolf 2004)."""
    from sklearn.covariance import ledoit_wolf  # imports in 1 s; only fitting needs it

    covariance, _ = ledoit_wolf(values)
    # Units that never fire have no spread at all.
    covariance += 1e-6 * (np.trace(covariance) / len(covariance) + 1e-6) * np.eye(len(covariance))
    inverse = np.linalg.inv(covariance)
    return values.mean(axis=0).astype(np.float32), inverse.astype(np.float32)


def _mahalanobis(values: np.ndarray, mean: np.ndarray, inverse: np.ndarray) -> np.ndarray:
    difference = values - mean
    return np.sqrt(
        np.maximum(np.einsum("ni,ij,nj->n", difference, inverse, difference, optimize=True), 0)
    )


def _limits(signals: np.ndarray, warning_rate: float) -> np.ndarray:
    """Limits that equal shares of patches exceed, and any of them ``warning_rate`` of patches.

    Returns:
        float32, shape (7,).
    """
    low, high = warning_rate / len(SIGNALS), warning_rate
    for _ in range(20):
        middle = (low + high) / 2
        limits = _quantiles(signals, middle)
        if (signals > limits).any(axis=1).mean() > warning_rate:
            high = middle
        else:
            low = middle
    return _quantiles(signals, low)


def _quantiles(signals: np.ndarray, share: float) -> np.ndarray:
    limits = np.quantile(signals, 1 - share, axis=0).astype(np.float32)
    return np.maximum(limits, _MIN_LIMITS)


def _with_intercept(values: np.ndarray) -> np.ndarray:
    return np.column_stack([np.ones(len(values), np.float32), values])
