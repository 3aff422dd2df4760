"""Patches that resemble tissue and features, for tests of `idc.prediction.appearance`."""

import cv2
import numpy as np

_PINK, _VIOLET = np.array([225.0, 150.0, 195.0]), np.array([120.0, 70.0, 150.0])


def pink_patches(count: int, seed: int = 0) -> np.ndarray:
    """Violet clouds on pink ground with fine grain: uint8 RGB, shape (count, 50, 50, 3)."""
    rng = np.random.default_rng(seed)
    patches = np.empty((count, 50, 50, 3), np.uint8)
    for patch in patches:
        clouds = rng.normal(0, 1, (50, 50)).astype(np.float32)
        clouds = cv2.GaussianBlur(clouds, (0, 0), rng.uniform(1.5, 2.5)) * 3
        share = np.clip(0.4 + 0.3 * clouds, 0, 1)[..., None]
        colour = share * _VIOLET + (1 - share) * _PINK + rng.normal(0, 8, 3)
        patch[:] = np.clip(colour + rng.normal(0, 5, (50, 50, 3)), 0, 255)
    return patches


def made_features(count: int, seed: int = 0) -> np.ndarray:
    """float32, shape (count, 6): values around 1; the last feature is always 0."""
    features = np.random.default_rng(seed).normal(1, 0.2, (count, 6)).astype(np.float32)
    features[:, 5] = 0
    return features


def smooth_patches(seed: int, count: int = 1) -> np.ndarray:
    """Smooth random images: uint8 RGB, shape (count, 50, 50, 3)."""
    rng = np.random.default_rng(seed)
    coarse = rng.integers(0, 256, (count, 13, 13, 3)).astype(np.uint8)
    return np.stack([cv2.resize(image, (50, 50)) for image in coarse])
