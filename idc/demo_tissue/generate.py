"""Generates demo slides that resemble H&E from a seed, so that IDC Lab works without data.

The tissue is synthetic, not from patients. A slide has the scale of the real set (4 um per pixel),
outlined regions of invasive ductal carcinoma (IDC), and benign tissue that resembles them. It is
cut into patches with the file names, grid and labelling rule of the real set.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

import cv2
import numpy as np
import numpy.typing as npt

from idc.demo_tissue.artefacts import add_camera_noise, add_folds, defocus, fade_edges
from idc.demo_tissue.glands import paint_glands, place_glands
from idc.demo_tissue.lymphocytes import paint_lymphocytes
from idc.demo_tissue.noise import COARSE, Field, ramp, smooth_noise
from idc.demo_tissue.section import Section, paint_fat, paint_stroma, plan_section
from idc.demo_tissue.shapes import find_places
from idc.demo_tissue.stain import Stains, draw_stain_profile, transmit_light
from idc.demo_tissue.tumour import draw_growth_pattern, outline_tumour, paint_tumour, plan_tumour
from idc.demo_tissue.vessels import paint_vessels
from idc.errors import ConfigError
from idc.patches import PATCH_SIZE_PX, PatchName
from idc.processes.prefetch import map_ahead
from idc.progress import ProgressCallback

GENERATED_NOTICE = "generated tissue, not from patients"
FIRST_CASE = 90001  # above all case numbers of the real set
MIN_IDC_SHARE = 0.8  # of an IDC-positive patch
MIN_TISSUE_SHARE = 0.35  # patches with less are omitted as background
_SLIDE_AREA_PX = 1_720_000  # per slide; about 500 patches
_GRID_OFFSET_PX = 1  # x and y are 1 modulo 50


@dataclass(frozen=True)
class DemoSlide:
    """One synthetic case.

    Attributes:
        case: 90001 or above; real cases have lower numbers.
        rgb: uint8 RGB (height, width, 3), 4 um per pixel.
        tissue: bool (height, width), True on stained tissue, False on bare glass.
        outlines: polygons of the IDC regions, int32 (k, 2), x and y in px; the last vertex
            connects to the first.
    """

    case: int
    rgb: npt.NDArray[np.uint8]
    tissue: npt.NDArray[np.bool_]
    outlines: tuple[npt.NDArray[np.int32], ...]


def generate_slide(seed: int, number: int) -> DemoSlide:
    """Generate case `FIRST_CASE + number`. Reproducible to the byte on one machine."""
    if seed < 0 or number < 0:
        raise ConfigError(
            f"seed and number of a demo slide must be 0 or more. Received: {seed}, {number}"
        )
    rng = np.random.default_rng([seed, number])
    height = COARSE * int(rng.integers(1100 // COARSE, 1300 // COARSE))
    shape = (height, _SLIDE_AREA_PX // height // COARSE * COARSE)
    section = plan_section(rng, shape, fat_share=float(rng.uniform(0.05, 0.35)))
    depth = plan_tumour(rng, section, _idc_share(seed, number))
    stains = _paint(rng, section, depth)
    rgb = add_camera_noise(rng, defocus(rng, transmit_light(stains, draw_stain_profile(rng))))
    return DemoSlide(
        FIRST_CASE + number, rgb, _tissue_mask(stains), outline_tumour(rng, depth, section.inside)
    )


def _paint(rng: np.random.Generator, section: Section, depth: Field) -> Stains:
    """Paint the layers in order: stroma, tumour, benign structures, fat, artefacts."""
    growth_pattern = draw_growth_pattern(rng)
    section = section.with_less_fat(ramp(depth, 0.2, 0.6 + growth_pattern.creeping))
    stains = Stains.empty(section.shape)
    paint_stroma(rng, section, stains, _cellularity(rng, depth))
    paint_tumour(rng, growth_pattern, depth, section.flow, stains)
    places = find_places(rng, section.inside * section.stroma * (depth < 0.15))
    abundance = float(rng.uniform(0.9, 2.0))
    paint_vessels(rng, section, places, stains)
    glands = place_glands(rng, section, places, abundance)
    paint_lymphocytes(rng, places, stains, abundance)
    paint_glands(rng, glands, stains)
    paint_fat(rng, section, stains)
    if rng.random() < 0.5:
        add_folds(rng, section, stains)
    fade_edges(rng, section, stains)
    stains.scale_amounts(section.inside)
    return stains


def _cellularity(rng: np.random.Generator, depth: Field) -> Field:
    """Cell density of the stroma, 0 to 1: higher in scars, slightly higher around tumour."""
    scars = smooth_noise(rng, depth.shape, 240) + 0.4 * smooth_noise(rng, depth.shape, 50)
    scars = ramp(scars, rng.uniform(-0.8, 1.2), 2.4)
    return 0.1 + 0.75 * scars + 0.15 * ramp(depth, -0.5, 0.5)


def _idc_share(seed: int, number: int) -> float:
    """Tumour share of the section: a few per cent to over half, spread evenly over cases."""
    start = np.random.default_rng(seed).random()
    spread = (start + number * 0.6180339887) % 1  # golden ratio: consecutive cases differ widely
    return float(0.05 + 0.62 * spread**1.3)


def _tissue_mask(stains: Stains) -> npt.NDArray[np.bool_]:
    stained = (stains.haematoxylin + stains.eosin + stains.blood > 0.12).astype(np.uint8)
    return cv2.medianBlur(stained, 5).astype(bool)


def slide_patches(slide: DemoSlide) -> Iterator[tuple[PatchName, npt.NDArray[np.uint8]]]:
    """Cut a slide into patches on the grid of the real set, row by row.

    Patches lie at x, y = 1, 51, 101, ... Incomplete patches at the right and lower edge are
    omitted, and so are patches with less than `MIN_TISSUE_SHARE` of tissue. A patch is
    IDC-positive if at least `MIN_IDC_SHARE` (80 %) of its pixels lie on or within an outline,
    the rule of Cruz-Roa et al. 2014, doi:10.1117/12.2043872.

    Yields:
        (name, pixels); pixels: uint8 RGB (50, 50, 3), a view into `slide.rgb`.
    """
    idc = np.zeros(slide.tissue.shape, np.uint8)
    for outline in slide.outlines:
        cv2.fillPoly(idc, [outline], 1)
    positive = _patch_counts(idc) >= MIN_IDC_SHARE * PATCH_SIZE_PX**2
    kept = _patch_counts(slide.tissue) >= MIN_TISSUE_SHARE * PATCH_SIZE_PX**2
    for row, column in np.argwhere(kept).tolist():
        x, y = (_GRID_OFFSET_PX + PATCH_SIZE_PX * index for index in (column, row))
        name = PatchName(case=slide.case, y=y, x=x, label=int(positive[row, column]))
        yield name, slide.rgb[y : y + PATCH_SIZE_PX, x : x + PATCH_SIZE_PX]


def _patch_counts(mask: npt.NDArray[np.generic]) -> npt.NDArray[np.int64]:
    """Count the set pixels of each whole patch. int64 (grid rows, grid columns)."""
    size = PATCH_SIZE_PX
    rows, columns = ((side - _GRID_OFFSET_PX) // size for side in mask.shape)
    grid = mask[_GRID_OFFSET_PX:, _GRID_OFFSET_PX:][: rows * size, : columns * size]
    return grid.reshape(rows, size, columns, size).sum(axis=(1, 3), dtype=np.int64)


def generate_cases(
    cases: int = 12,
    seed: int = 0,
    *,
    on_progress: ProgressCallback | None = None,
    threads: int | None = None,
) -> Iterator[DemoSlide]:
    """Generate cases `FIRST_CASE`, `FIRST_CASE + 1`, ... in order; workers prefetch a few.

    Args:
        cases: number of cases, 1 or more.
        seed: 0 or more. A larger set starts with the same cases as a smaller one.
        on_progress: called in the caller's thread with (generated, cases) before each yield.
        threads: by default one per core. The slides do not depend on it.
    """
    if cases < 1:
        raise ConfigError(f"The number of demo cases must be 1 or more. Received: {cases}")
    threads = threads or os.cpu_count() or 1
    generate = partial(generate_slide, seed)
    slides = map_ahead(generate, range(cases), threads=threads, ahead=threads)
    for number, slide in enumerate(slides, 1):
        if on_progress is not None:
            on_progress(number, cases)
        yield slide
