"""Lymphocytes: small, round, dark nuclei of one size, scattered or in dense clusters."""

from __future__ import annotations

import cv2
import numpy as np

from idc.demo_tissue.noise import Field, even_dots, ramp, smooth_noise
from idc.demo_tissue.shapes import FreePlaces, blob, fill, to_unit_range
from idc.demo_tissue.stain import Stains


def lymphocyte_nuclei(rng: np.random.Generator, shape: tuple[int, int]) -> Field:
    """Everywhere at even distances. float32 (height, width), about 0 to 1."""
    return even_dots(rng, shape, 2.6, 0.65)


def paint_lymphocytes(
    rng: np.random.Generator, places: FreePlaces, stains: Stains, abundance: float
) -> None:
    """Paint dark blue clusters with ragged edges, which resemble tumour sheets."""
    shape = stains.eosin.shape
    density = np.zeros(shape, np.uint8)
    for _ in range(rng.poisson(11 * abundance)):
        radius = float(rng.uniform(16, 90))
        at = places.take(radius)
        if at is not None:
            fill(density, blob(rng, at, radius, stretch=rng.uniform(1, 2), rough=0.16))
    soft = cv2.GaussianBlur(to_unit_range(density), (0, 0), 9)
    crowd = ramp(
        soft - 0.13 * smooth_noise(rng, shape, 4) + 0.1 * smooth_noise(rng, shape, 30), 0.25, 0.6
    )
    stains.cover(0.92 * crowd, 0.54 + 0.72 * lymphocyte_nuclei(rng, shape), 0.34)
