"""Invasive ductal carcinoma: irregular nests, cords and sheets of dark, uneven nuclei.

Nothing here has a smooth outline or an even spacing. Between the nests lies stroma that looks much
like the stroma elsewhere, and the tumour creeps between fat cells at its edge.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from idc.demo_tissue.lymphocytes import lymphocyte_nuclei
from idc.demo_tissue.noise import (
    COARSE,
    Field,
    Flow,
    enlarged,
    ramp,
    shrunk,
    smooth_noise,
    streak,
    uneven_dots,
)
from idc.demo_tissue.section import Section
from idc.demo_tissue.stain import Stains

Outline = npt.NDArray[np.int32]  # (k, 2), x and y in px


@dataclass(frozen=True)
class GrowthPattern:
    """Growth parameters of the tumour of one case."""

    nest_px: float  # width of a nest
    cords: int  # doublings of the streak that draws nests out into cords: 0 to 4
    solid: float  # 0 scattered nests, 1 sheets
    dark: float  # stain of the nuclei: 0.4 pale, 1 dark
    cytoplasm: float  # haematoxylin between the nuclei
    hollow: float  # 0 none, 1 many small irregular hollows
    inflamed: float  # lymphocytes between the nests, 0 to 1
    loose: float  # how much paler than elsewhere its stroma is, -0.1 to 0.2
    shrunken: float  # how pale the cleft around the nests is, 0 to 0.5
    creeping: float  # how deep fat cells survive between the nests, in units of depth


def draw_growth_pattern(rng: np.random.Generator) -> GrowthPattern:
    return GrowthPattern(
        nest_px=float(rng.uniform(7, 16)),
        cords=int(rng.integers(0, 5)),
        solid=float(rng.uniform(0, 1)),
        dark=float(rng.uniform(0.4, 1.0)),
        cytoplasm=float(rng.uniform(0.15, 0.45)),
        hollow=float(rng.uniform(0, 1)),
        inflamed=float(rng.uniform(0, 0.8)),
        loose=float(rng.uniform(-0.1, 0.2)),
        shrunken=float(rng.uniform(0, 0.5)),
        creeping=float(rng.uniform(0.3, 3.0)),
    )


def plan_tumour(rng: np.random.Generator, section: Section, share: float) -> Field:
    """Depth of each pixel in the tumour; `share` of the section is tumour.

    Returns:
        float32 (height, width): above 0 in the tumour, 1 about 60 px (0.24 mm) within it.
    """
    inside, stroma = shrunk(section.inside) > 0.9, shrunk(section.stroma)
    rows, columns = np.nonzero(inside & (stroma > 0.6))
    y, x = np.indices(inside.shape, np.float32)
    nearest = np.full(inside.shape, np.inf, np.float32)
    for _ in range(int(rng.integers(1, 4)) if share > 0.15 else 1):  # centres it grew from
        pick = int(rng.integers(rows.size))
        size = np.float32(rng.uniform(0.6, 1.3))
        nearest = np.minimum(nearest, np.hypot(x - columns[pick], y - rows[pick]) / size)
    pull = nearest - 9 * smooth_noise(rng, inside.shape, 30) - 14 * stroma
    pull += 3 * smooth_noise(rng, inside.shape, 9)
    level = np.quantile(pull[inside], share)
    depth = cv2.GaussianBlur((level - pull).astype(np.float32), (0, 0), 1.5)
    depth[~inside] = np.minimum(depth[~inside], -3)
    return enlarged(depth * (COARSE / 60), section.shape)


def outline_tumour(rng: np.random.Generator, depth: Field, inside: Field) -> tuple[Outline, ...]:
    """What a pathologist would draw: rounded loops around each region, islands left out.

    The hand strays some tens of pixels to either side of the true edge, so near it a patch may be
    labelled either way, as in the real set.
    """
    drawn, glass = shrunk(depth), shrunk(inside) < 0.3
    drawn = drawn + 0.28 * smooth_noise(rng, drawn.shape, 16)
    region = ((drawn > 0) & ~glass).astype(np.uint8)
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (9, 9))
    region = cv2.morphologyEx(region, cv2.MORPH_OPEN, disc[1:-1, 1:-1])
    region = cv2.morphologyEx(region, cv2.MORPH_CLOSE, disc)
    region[glass] = 0
    loops, _ = cv2.findContours(region, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    loops = [cv2.approxPolyDP(loop, 1.0, True)[:, 0] for loop in loops]
    return tuple(
        (loop * COARSE + COARSE // 2).astype(np.int32)
        for loop in loops
        if len(loop) >= 3 and cv2.contourArea(loop) * COARSE**2 > 30_000  # about 12 patches
    )


def paint_tumour(
    rng: np.random.Generator,
    growth_pattern: GrowthPattern,
    depth: Field,
    flow: Flow,
    stains: Stains,
) -> None:
    """Cover the stroma with tumour stroma, then with nests. Empty fat cells are to come after."""
    left, top, width, height = cv2.boundingRect((depth > -0.3).astype(np.uint8))
    window = (slice(top, top + height), slice(left, left + width))
    depth, flow, stains = depth[window], flow.within(window), stains.within(window)
    shape = depth.shape
    _paint_bed(rng, growth_pattern, depth, stains)
    growth = _growth(rng, growth_pattern, depth, flow)
    nests = ramp(growth, 0, 0.25)
    stains.scale_amounts(1 - growth_pattern.shrunken * ramp(growth, -0.25, -0.1) * (1 - nests))
    big, small = uneven_dots(rng, shape, 3.0, 0.85), uneven_dots(rng, shape, 2.2, 0.6)
    mood = 1 + 0.16 * smooth_noise(rng, shape, 60) + 0.1 * smooth_noise(rng, shape, 12)
    nuclei = (0.42 * big + 0.36 * small) * mood
    stains.cover(
        nests, growth_pattern.cytoplasm * mood + growth_pattern.dark * nuclei, 0.66 + 0.05 * mood
    )
    holes = ramp(smooth_noise(rng, shape, 7) + 0.6 * growth_pattern.hollow, 2.1, 2.5) * nests
    stains.scale_amounts(1 - 0.9 * holes)


def _paint_bed(
    rng: np.random.Generator, growth_pattern: GrowthPattern, depth: Field, stains: Stains
) -> None:
    shape = depth.shape
    bed = ramp(depth, -0.3, 0.6)
    stains.haematoxylin += bed * 0.03
    stains.eosin *= 1 - growth_pattern.loose * bed
    crowd = smooth_noise(rng, shape, 70) + 0.6 * smooth_noise(rng, shape, 14)
    crowd = (
        ramp(crowd, 1.7 - 1.2 * growth_pattern.inflamed, 2.9 - 1.2 * growth_pattern.inflamed) * bed
    )
    stains.haematoxylin += crowd * 0.75 * lymphocyte_nuclei(rng, shape)


def _growth(
    rng: np.random.Generator, growth_pattern: GrowthPattern, depth: Field, flow: Flow
) -> Field:
    """Positive within nests, increasing with the distance from their edge."""
    shape = depth.shape
    noise = smooth_noise(rng, shape, growth_pattern.nest_px)
    drawn = streak(noise, flow, growth_pattern.cords)
    noise = drawn / drawn.std() + 0.35 * smooth_noise(rng, shape, 6)
    zones = smooth_noise(rng, shape, 200)
    level = 1.1 - 1.1 * growth_pattern.solid - 0.5 * np.clip(depth, -1, 1) - 0.62 * zones
    return noise - level - 4 * ramp(-depth, -0.1, 0.12)
