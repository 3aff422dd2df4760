"""Benign glands: ducts, lobules, cysts, adenosis, ducts filled with cells.

Many are as dark and blue as tumour. They differ in their regular structure: round outlines, hollow
rings, evenly spaced nuclei of one size.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np

from idc.demo_tissue.lymphocytes import lymphocyte_nuclei
from idc.demo_tissue.noise import even_dots, ramp, smooth_noise, uneven_dots
from idc.demo_tissue.section import Section
from idc.demo_tissue.shapes import (
    FreePlaces,
    Mask,
    blob,
    fill,
    fill_ellipse,
    hexagonal_points,
    inset,
    to_unit_range,
)
from idc.demo_tissue.stain import Stains


@dataclass
class Glands:
    """Masks of all epithelium; they are drawn first and textured together later."""

    bed: Mask  # loose bluish stroma around acini
    epithelium: Mask
    debris: Mask  # pink content of a blocked duct
    lumen: Mask

    @classmethod
    def empty(cls, shape: tuple[int, int]) -> Glands:
        return cls(*(np.zeros(shape, np.uint8) for _ in range(4)))


def place_glands(
    rng: np.random.Generator, section: Section, places: FreePlaces, abundance: float
) -> Glands:
    """Place all kinds of glands in free areas, largest first; `abundance`: 1 to 2."""
    glands = Glands.empty(section.shape)
    for draw, common, low_px, high_px in _GLAND_KINDS:
        for _ in range(rng.poisson(common * abundance)):
            radius = float(rng.uniform(low_px, high_px))
            at = places.take(radius * 1.1)
            if at is not None:
                draw(glands, rng, at, radius, section.flow.at(*at))
    return glands


def paint_glands(rng: np.random.Generator, glands: Glands, stains: Stains) -> None:
    """Texture the drawn masks: beds first, contents of the hollows last."""
    shape = glands.bed.shape
    bed, epithelium, debris, lumen = (
        to_unit_range(mask) for mask in (glands.bed, glands.epithelium, glands.debris, glands.lumen)
    )
    lymph = lymphocyte_nuclei(rng, shape)
    stains.cover(0.75 * bed, 0.2 + 0.28 * lymph, 0.62 + 0.06 * smooth_noise(rng, shape, 12))
    nuclei = even_dots(rng, shape, 2.5, 0.75)
    odd = ramp(smooth_noise(rng, shape, 120), 0.5, 1.5)  # nuclei here are as uneven as in tumour
    nuclei += odd * (uneven_dots(rng, shape, 2.5, 0.7) - nuclei)
    stains.cover(epithelium, 0.46 + 0.6 * nuclei, 0.62)
    stains.cover(lumen, 0.0, 0.02)
    crumbs = smooth_noise(rng, shape, 6)
    stains.cover(debris, 0.16 + 0.1 * crumbs, 0.85 + 0.16 * crumbs)


# Draws one structure: glands, generator, centre (x, y), radius in px, direction of the fibres.
DrawGland = Callable[
    [Glands, np.random.Generator, tuple[float, float], float, tuple[float, float]], None
]


def draw_duct(
    glands: Glands,
    rng: np.random.Generator,
    at: tuple[float, float],
    radius_px: float,
    along: tuple[float, float],
) -> None:
    """Draw a ring of epithelium around an empty or filled hollow."""
    wall = rng.uniform(2.6, 4.2)
    outline = blob(rng, at, radius_px, stretch=rng.uniform(1, 2.4), along=along, rough=0.1)
    fill(glands.bed, blob(rng, at, radius_px * 1.5 + 3, rough=0.1), int(rng.integers(60, 150)))
    fill(glands.epithelium, outline)
    folds = 1 + 0.12 * rng.normal(size=(len(outline), 1))
    hollow = np.asarray(at) + (inset(outline, at, wall) - np.asarray(at)) * folds.clip(0.7, 1.05)
    fill(glands.lumen, hollow)
    if rng.random() < 0.25:  # secretion
        fill(glands.debris, inset(outline, at, wall + 1), int(rng.integers(60, 130)))


def draw_in_situ_duct(
    glands: Glands,
    rng: np.random.Generator,
    at: tuple[float, float],
    radius_px: float,
    along: tuple[float, float],
) -> None:
    """Draw a duct filled with cells, with a smooth outline (in situ, not invasive)."""
    outline = blob(rng, at, radius_px, stretch=rng.uniform(1, 1.5), along=along, rough=0.05)
    fill(glands.bed, blob(rng, at, radius_px + 5, rough=0.06), 90)
    fill(glands.epithelium, outline)
    kind = rng.random()
    if kind < 0.4:  # dead cells in the middle, a cleft around them
        wall = radius_px * rng.uniform(0.35, 0.5)
        fill(glands.lumen, inset(outline, at, wall))
        fill(glands.debris, inset(outline, at, wall + 2))
    elif kind < 0.75:  # punched-out holes
        for _ in range(int(radius_px**2 / 45)):
            angle, far = rng.uniform(0, 6.28), radius_px * 0.72 * np.sqrt(rng.random())
            spot = (at[0] + far * np.cos(angle), at[1] + far * np.sin(angle))
            fill(glands.lumen, blob(rng, spot, rng.uniform(1.2, 3.0)))


def draw_lobule(
    glands: Glands,
    rng: np.random.Generator,
    at: tuple[float, float],
    radius_px: float,
    along: tuple[float, float],
) -> None:
    """Draw a rounded bed with many small rings (acini), open or nearly closed."""
    outline = blob(rng, at, radius_px, stretch=rng.uniform(1, 1.6), along=along, rough=0.1)
    fill(glands.bed, outline, int(rng.integers(140, 255)))
    ring, hollow = rng.uniform(2.6, 5.2), rng.beta(0.8, 1.2)
    spacing = ring * rng.uniform(1.9, 2.4)
    shape = inset(outline, at, ring + 1).astype(np.float32)
    for x, y in hexagonal_points(rng, at, radius_px * 1.4, spacing):
        if cv2.pointPolygonTest(shape, (x, y), False) >= 0:
            _draw_acinus(glands, rng, (x, y), ring * rng.uniform(0.75, 1.2), along, hollow)


def draw_adenosis(
    glands: Glands,
    rng: np.random.Generator,
    at: tuple[float, float],
    radius_px: float,
    along: tuple[float, float],
) -> None:
    """Draw adenosis: small uniform round glands in pink stroma, as dense as tumour."""
    outline = blob(rng, at, radius_px, stretch=rng.uniform(1, 1.4), rough=0.14).astype(np.float32)
    ring, hollow = rng.uniform(3.0, 4.6), rng.beta(1.0, 1.2)
    for x, y in hexagonal_points(rng, at, radius_px * 1.4, ring * rng.uniform(2.3, 3.0)):
        if cv2.pointPolygonTest(outline, (x, y), False) >= 0:
            _draw_acinus(glands, rng, (x, y), ring * rng.uniform(0.7, 1.25), along, hollow)


def draw_cysts(
    glands: Glands,
    rng: np.random.Generator,
    at: tuple[float, float],
    radius_px: float,
    along: tuple[float, float],
) -> None:
    """Draw a cluster of dilated, mostly empty rings."""
    ring = rng.uniform(7, 14)
    for x, y in hexagonal_points(rng, at, radius_px, ring * 2.3):
        if np.hypot(x - at[0], y - at[1]) < radius_px - ring and rng.random() < 0.85:
            draw_duct(glands, rng, (x, y), ring * rng.uniform(0.5, 1), along)


def _draw_acinus(
    glands: Glands,
    rng: np.random.Generator,
    at: tuple[float, float],
    radius_px: float,
    along: tuple[float, float],
    hollow: float,
) -> None:
    stretch = rng.uniform(1, 1.8) ** 0.5
    long, wide, wall = radius_px * stretch, radius_px / stretch, rng.uniform(1.8, 2.5)
    light = int(255 * hollow * rng.uniform(0.5, 1))
    fill_ellipse(glands.epithelium, at, long, wide, along, 255)
    fill_ellipse(glands.lumen, at, max(long - wall, 0.8), max(wide - wall, 0.5), along, light)


# Mean number per slide; minimum and maximum radius in px.
_GLAND_KINDS: tuple[tuple[DrawGland, float, float, float], ...] = (
    (draw_adenosis, 6, 55, 170),
    (draw_in_situ_duct, 6, 22, 48),
    (draw_lobule, 18, 24, 52),
    (draw_cysts, 2, 34, 60),
    (draw_duct, 10, 9, 24),
    (draw_duct, 20, 5, 10),
)
