"""Blood vessels, and blood that leaked between the fibres."""

from __future__ import annotations

import numpy as np

from idc.demo_tissue.noise import ramp, smooth_noise
from idc.demo_tissue.section import Section
from idc.demo_tissue.shapes import (
    FreePlaces,
    blob,
    draw_line,
    fill,
    flow_path,
    inset,
    to_unit_range,
)
from idc.demo_tissue.stain import Stains


def paint_vessels(
    rng: np.random.Generator, section: Section, places: FreePlaces, stains: Stains
) -> None:
    """Thick-walled arteries, thin veins with blood, and blood that leaked between fibres."""
    wall, lumen, blood = (np.zeros(section.shape, np.uint8) for _ in range(3))
    for _ in range(rng.poisson(9)):
        radius = float(rng.uniform(6, 20))
        at = places.take(radius * 1.3)
        if at is None:
            continue
        outline = blob(rng, at, radius, stretch=rng.uniform(1, 2.2), along=section.flow.at(*at))
        inner = inset(outline, at, radius * rng.uniform(0.25, 0.55))
        fill(wall, outline)
        fill(lumen, inner)
        if rng.random() < 0.5:
            fill(blood, inner, int(rng.integers(150, 256)))
    for _ in range(rng.poisson(22)):
        at = places.take(8, gap_px=0)
        if at is not None:
            path = flow_path(rng, section.flow, at, rng.gamma(2, 14) + 8)
            draw_line(wall, path, int(rng.integers(2, 6)), int(rng.integers(60, 200)))
            draw_line(blood if rng.random() < 0.5 else lumen, path, 1, int(rng.integers(60, 230)))
    rings = smooth_noise(rng, section.shape, 3)
    stains.cover(0.85 * to_unit_range(wall), 0.2 + 0.06 * rings, 0.95 + 0.14 * rings)
    stains.cover(to_unit_range(lumen), 0.0, 0.02)
    leaked = 0.4 * rings + 1.1 * smooth_noise(rng, section.shape, 110)
    leaked += 0.3 * smooth_noise(rng, section.shape, 5)
    stains.blood += np.maximum(
        0.9 * to_unit_range(blood), 0.6 * ramp(leaked, 2.9, 4.0) * section.stroma
    )
