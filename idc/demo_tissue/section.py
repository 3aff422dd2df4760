"""Layout of the section: outline on the glass, stroma, fat, fibre direction."""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np
import numpy.typing as npt

from idc.demo_tissue.noise import (
    COARSE,
    Field,
    Flow,
    draw_flow,
    enlarged,
    fibres,
    ramp,
    shrunk,
    smooth_noise,
    streak,
    uneven_dots,
)
from idc.demo_tissue.stain import Stains


@dataclass(frozen=True)
class Section:
    """Layout of a slide. All float32 (height, width)."""

    inside: Field  # 1 on the section, 0 on bare glass
    stroma: Field  # 1 in fibrous tissue, 0 in fat
    flow: Flow

    @property
    def shape(self) -> tuple[int, int]:
        return self.inside.shape

    def with_less_fat(self, taken: Field) -> Section:
        """Replace fat by fibrous tissue where `taken` is 1."""
        return replace(self, stroma=np.maximum(self.stroma, taken))


def plan_section(rng: np.random.Generator, shape: tuple[int, int], fat_share: float) -> Section:
    """Lay out a section that leaves a margin of glass; `fat_share` of it, 0 to 1, is fat."""
    inside = _outline(rng, shape)
    stroma = _stroma(rng, inside, fat_share)
    return Section(inside, stroma, draw_flow(rng, shape))


def _outline(rng: np.random.Generator, shape: tuple[int, int]) -> Field:
    """A rounded block with dents: planned on a coarse map, its fine edge drawn at full size."""
    height, width = small = (shape[0] // COARSE, shape[1] // COARSE)
    y = np.abs(np.linspace(-1, 1, height, dtype=np.float32))[:, None]
    x = np.abs(np.linspace(-1, 1, width, dtype=np.float32))[None, :]
    box = rng.uniform(2.1, 3.2)  # 2 an ellipse, more a rounded block
    lift = 1 - (x**box + y**box) ** (1 / box)  # 0 at the frame
    lift += 0.11 * smooth_noise(rng, small, 52) + 0.04 * smooth_noise(rng, small, 19)
    lift -= 0.5 * ramp(np.maximum(x, y), 0.9, 1.02)  # stay clear of the frame
    lift = enlarged(lift, shape) + 0.007 * smooth_noise(rng, shape, 26)
    return ramp(lift + 0.003 * smooth_noise(rng, shape, 7), 0.02, 0.024)


def _stroma(rng: np.random.Generator, inside: Field, fat_share: float) -> Field:
    """Blocks of fibrous tissue and strands between them; the rest is fat."""
    body_inside = shrunk(inside) > 0.5
    small = body_inside.shape
    body = smooth_noise(rng, small, 75) + 0.5 * smooth_noise(rng, small, 21)
    strands = 1.1 - 5.0 * np.abs(smooth_noise(rng, small, 41))
    wisps = 0.7 - 6.0 * np.abs(smooth_noise(rng, small, 19))
    body = np.maximum(np.maximum(body, strands), wisps)
    level = np.quantile(body[body_inside], fat_share)
    body = enlarged(body, inside.shape) + 0.12 * smooth_noise(rng, inside.shape, 30)
    return ramp(body, level - np.float32(0.1), level + np.float32(0.35))


def paint_stroma(
    rng: np.random.Generator, section: Section, stains: Stains, cellularity: Field
) -> None:
    """Pink bundles of collagen with thin nuclei between them; `cellularity` 0 none, 1 crowded."""
    shape = section.shape
    bundles = fibres(rng, section.flow, 1.8, 5)
    threads = fibres(rng, section.flow, 0.5, 3)
    patchy = smooth_noise(rng, shape, 90)
    eosin = 0.92 + 0.08 * bundles + 0.1 * threads + 0.09 * patchy
    nuclei = streak(uneven_dots(rng, shape, 2.6, 0.5), section.flow, 1)
    loose = ramp(smooth_noise(rng, shape, 280), -0.3, 1.5)  # watery and bluish in places
    eosin -= 0.22 * loose
    grey = 0.05 + 0.1 * loose + 0.02 * patchy - 0.015 * bundles
    stains.cover(
        np.ones(shape, np.float32),
        np.maximum(grey + cellularity * (0.08 + 1.25 * nuclei), 0),
        np.maximum(eosin, 0.15),
    )
    clefts = ramp(-bundles - 0.6 * threads + 0.7 * smooth_noise(rng, shape, 160), 3.2, 3.8)
    stains.scale_amounts(1 - 0.95 * clefts)


def paint_fat(rng: np.random.Generator, section: Section, stains: Stains) -> None:
    """Round empty cells with thin pink walls, dense in fat, here and there in the stroma."""
    shape = section.shape
    lonely = smooth_noise(rng, shape, 40) + 0.9 * smooth_noise(rng, shape, 170)
    fatty = np.maximum(1 - section.stroma, 0.5 * ramp(lonely, 1.6, 3.2))
    empty = _fat_cells(rng, fatty, spacing_px=float(rng.uniform(10, 13.5)))
    fragile = ramp(fatty, 0.75, 1) * (0.55 + 0.12 * smooth_noise(rng, shape, 25))
    stains.scale_amounts((1 - np.clip(fragile, 0, 0.9)) * (1 - 0.985 * empty))


def _fat_cells(rng: np.random.Generator, fatty: Field, spacing_px: float) -> Field:
    """Divide the plane into cells and empty each with the chance that `fatty` gives.

    Cells press each other into polygons in dense fat, and are round where they lie alone.
    """
    height, width = fatty.shape
    rows, columns = np.mgrid[0:height:spacing_px, 0:width:spacing_px]
    columns[::2] += spacing_px / 2
    keep = rng.random(rows.shape) > 0.15  # a gap is filled by its neighbours: sizes differ
    rows = (rows + rng.normal(0, 0.22 * spacing_px, rows.shape))[keep]
    columns = (columns + rng.normal(0, 0.22 * spacing_px, columns.shape))[keep]
    rows = np.clip(rows, 0, height - 1).astype(np.intp)
    columns = np.clip(columns, 0, width - 1).astype(np.intp)
    seeds = np.ones(fatty.shape, np.uint8)
    seeds[rows, columns] = 0
    reach, nearest = cv2.distanceTransformWithLabels(seeds, cv2.DIST_L2, 5)
    filled = np.zeros(int(nearest.max()) + 1, np.float32)
    filled[nearest[rows, columns]] = fatty[rows, columns] > rng.uniform(0.05, 0.95, rows.shape)
    roundness = 0.56 * spacing_px + 1.2 * spacing_px * ramp(fatty, 0.5, 1) - reach
    depth = np.minimum(_distance_from_walls(nearest) - 0.35, roundness)
    return filled[nearest] * cv2.GaussianBlur(ramp(depth, 0, 1), (0, 0), 0.5)


def _distance_from_walls(cell: npt.NDArray[np.int32]) -> Field:
    interior = np.ones(cell.shape, np.uint8)
    interior[:, 1:][cell[:, 1:] != cell[:, :-1]] = 0
    interior[1:][cell[1:] != cell[:-1]] = 0
    return cv2.GaussianBlur(cv2.distanceTransform(interior, cv2.DIST_L2, 5), (0, 0), 0.8)
