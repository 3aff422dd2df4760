"""What a breast holds besides tumour: ducts, lobules, cysts, vessels, lymphocytes, scars.

Several of them are as dark and as blue as tumour. What tells them apart is their order: round
outlines, hollow rings, nuclei of one size at even distances.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import cv2
import numpy as np
import numpy.typing as npt

from idc.tissue.noise import Field, Flow, even_dots, ramp, smooth_noise
from idc.tissue.section import COARSE, Section, lymphocytes
from idc.tissue.stain import Stains

_SUBPIXEL_BITS = 4
_WAVES = np.arange(2, 7)
Mask = npt.NDArray[np.uint8]  # (height, width), 0 to 255, edges smoothed
Polygon = npt.NDArray[np.float64]  # (k, 2), x and y in px


@dataclass
class Glands:
    """Masks of all epithelium, drawn first and given their texture together afterwards."""

    bed: Mask  # loose bluish stroma around acini
    epithelium: Mask
    debris: Mask  # pink content of a blocked duct
    lumen: Mask

    @classmethod
    def none(cls, shape: tuple[int, int]) -> Glands:
        return cls(*(np.zeros(shape, np.uint8) for _ in range(4)))


@dataclass
class Places:
    """Free places for structures, on a coarse map: no two are put into the same place."""

    free: npt.NDArray[np.uint8]  # (height // COARSE, width // COARSE), 1 free
    appeal: Field  # the same shape; structures gather where it is high
    rng: np.random.Generator = field(repr=False)

    def take(self, radius_px: float, gap_px: float = 4) -> tuple[float, float] | None:
        """A random (x, y) with `radius_px` of free room, or None. The room is then taken."""
        room = cv2.distanceTransform(np.pad(self.free, 1), cv2.DIST_L2, 5)[1:-1, 1:-1]
        rows, columns = np.nonzero(room * COARSE > radius_px)
        if rows.size == 0:
            return None
        picks = self.rng.integers(rows.size, size=3)
        pick = picks[np.argmax(self.appeal[rows[picks], columns[picks]])]
        row, column = int(rows[pick]), int(columns[pick])
        cv2.circle(self.free, (column, row), int((radius_px + gap_px) / COARSE) + 1, 0, -1)
        return (column + 0.5) * COARSE, (row + 0.5) * COARSE


def blob(
    rng: np.random.Generator,
    centre: tuple[float, float],
    radius_px: float,
    *,
    stretch: float = 1.0,
    along: tuple[float, float] = (1.0, 0.0),
    rough: float = 0.08,
) -> Polygon:
    """A closed, wobbly outline, `stretch` times as long as wide, its long side `along`."""
    angle = np.linspace(0, 2 * np.pi, max(14, int(radius_px * 1.5)), endpoint=False)
    size = rough * rng.normal(size=_WAVES.size) / np.sqrt(_WAVES)
    radius = 1 + size @ np.cos(_WAVES[:, None] * angle + rng.uniform(0, 6.28, (_WAVES.size, 1)))
    long, wide = np.sqrt(stretch) * np.cos(angle), np.sin(angle) / np.sqrt(stretch)
    dx, dy = along
    points = np.stack([long * dx - wide * dy, long * dy + wide * dx], axis=1)
    return np.asarray(centre) + radius_px * radius[:, None] * points


def fill(mask: Mask, outline: Polygon, value: int = 255) -> None:
    """Fill an outline, its edge smoothed to a fraction of a pixel."""
    points = np.rint(outline * (1 << _SUBPIXEL_BITS)).astype(np.int32)
    cv2.fillPoly(mask, [points], value, cv2.LINE_AA, _SUBPIXEL_BITS)


def _shrunk(outline: Polygon, centre: tuple[float, float], wall_px: float) -> Polygon:
    middle = np.asarray(centre)
    radius = np.linalg.norm(outline - middle, axis=1, keepdims=True)
    return middle + (outline - middle) * np.maximum(1 - wall_px / np.maximum(radius, 1), 0.05)


def draw_duct(
    glands: Glands,
    rng: np.random.Generator,
    at: tuple[float, float],
    radius_px: float,
    along: tuple[float, float],
) -> None:
    """A ring of epithelium around an empty or filled hollow."""
    wall = rng.uniform(2.6, 4.2)
    outline = blob(rng, at, radius_px, stretch=rng.uniform(1, 2.4), along=along, rough=0.1)
    fill(glands.bed, blob(rng, at, radius_px * 1.5 + 3, rough=0.1), int(rng.integers(60, 150)))
    fill(glands.epithelium, outline)
    folds = 1 + 0.12 * rng.normal(size=(len(outline), 1))
    hollow = np.asarray(at) + (_shrunk(outline, at, wall) - np.asarray(at)) * folds.clip(0.7, 1.05)
    fill(glands.lumen, hollow)
    if rng.random() < 0.25:  # secretion
        fill(glands.debris, _shrunk(outline, at, wall + 1), int(rng.integers(60, 130)))


def draw_packed_duct(
    glands: Glands,
    rng: np.random.Generator,
    at: tuple[float, float],
    radius_px: float,
    along: tuple[float, float],
) -> None:
    """A duct stuffed with cells but smooth in outline (in situ, so not invasive)."""
    outline = blob(rng, at, radius_px, stretch=rng.uniform(1, 1.5), along=along, rough=0.05)
    fill(glands.bed, blob(rng, at, radius_px + 5, rough=0.06), 90)
    fill(glands.epithelium, outline)
    kind = rng.random()
    if kind < 0.4:  # dead cells in the middle, a cleft around them
        wall = radius_px * rng.uniform(0.35, 0.5)
        fill(glands.lumen, _shrunk(outline, at, wall))
        fill(glands.debris, _shrunk(outline, at, wall + 2))
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
    """A rounded bed with many small rings (acini) in it, wide open or nearly closed."""
    outline = blob(rng, at, radius_px, stretch=rng.uniform(1, 1.6), along=along, rough=0.1)
    fill(glands.bed, outline, int(rng.integers(140, 255)))
    ring, hollow = rng.uniform(2.6, 5.2), rng.beta(0.8, 1.2)
    spacing = ring * rng.uniform(1.9, 2.4)
    shape = _shrunk(outline, at, ring + 1).astype(np.float32)
    for x, y in _packed(rng, at, radius_px * 1.4, spacing):
        if cv2.pointPolygonTest(shape, (x, y), False) >= 0:
            _draw_acinus(glands, rng, (x, y), ring * rng.uniform(0.75, 1.2), along, hollow)


def draw_crowd(
    glands: Glands, rng: np.random.Generator, at: tuple[float, float], radius_px: float, flow: Flow
) -> None:
    """Adenosis: a field of small glands in pink stroma, crowded as tumour, each hollow."""
    outline = blob(rng, at, radius_px, stretch=rng.uniform(1, 1.4), rough=0.14).astype(np.float32)
    ring, hollow = rng.uniform(3.0, 4.6), rng.beta(1.0, 1.2)
    for x, y in _packed(rng, at, radius_px * 1.4, ring * rng.uniform(2.3, 3.0)):
        if cv2.pointPolygonTest(outline, (x, y), False) >= 0:
            _draw_acinus(glands, rng, (x, y), ring * rng.uniform(0.7, 1.25), flow.at(x, y), hollow)


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
    _fill_ellipse(glands.epithelium, at, long, wide, along, 255)
    _fill_ellipse(glands.lumen, at, max(long - wall, 0.8), max(wide - wall, 0.5), along, light)


def _fill_ellipse(
    mask: Mask,
    at: tuple[float, float],
    long_px: float,
    wide_px: float,
    along: tuple[float, float],
    value: int,
) -> None:
    scale = 1 << _SUBPIXEL_BITS
    centre = (round(at[0] * scale), round(at[1] * scale))
    axes = (round(long_px * scale), round(wide_px * scale))
    turn = math.degrees(math.atan2(along[1], along[0]))
    cv2.ellipse(mask, centre, axes, turn, 0, 360, value, -1, cv2.LINE_AA, _SUBPIXEL_BITS)


def draw_cysts(
    glands: Glands,
    rng: np.random.Generator,
    at: tuple[float, float],
    radius_px: float,
    along: tuple[float, float],
) -> None:
    """A bunch of widened, mostly empty rings."""
    ring = rng.uniform(7, 14)
    for x, y in _packed(rng, at, radius_px, ring * 2.3):
        if np.hypot(x - at[0], y - at[1]) < radius_px - ring and rng.random() < 0.85:
            draw_duct(glands, rng, (x, y), ring * rng.uniform(0.5, 1), along)


def _packed(
    rng: np.random.Generator, at: tuple[float, float], reach_px: float, spacing_px: float
) -> npt.NDArray[np.float64]:
    """Points (n, 2) of a shaken hexagonal grid in a square around `at`."""
    steps = np.arange(-reach_px, reach_px, spacing_px)
    x, y = np.meshgrid(steps, steps * 0.87)
    x[::2] += spacing_px / 2
    points = np.stack([x.ravel() + at[0], y.ravel() + at[1]], axis=1)
    return points + rng.normal(0, 0.13 * spacing_px, points.shape)


def flow_path(
    rng: np.random.Generator, flow: Flow, start: tuple[float, float], length_px: float
) -> Polygon:
    """A line that runs with the fibres. (k, 2), x and y in px."""
    step, points, turn = 8.0, [start], rng.choice([-1.0, 1.0])
    for _ in range(int(length_px / step)):
        x, y = points[-1]
        dx, dy = flow.at(x, y)
        points.append((x + turn * step * dx, y + turn * step * dy))
    return np.array(points) + rng.normal(0, 0.6, (len(points), 2))


def trace(mask: Mask, path: Polygon, width_px: int, value: int = 255) -> None:
    points = np.rint(path * (1 << _SUBPIXEL_BITS)).astype(np.int32)
    cv2.polylines(mask, [points], False, value, width_px, cv2.LINE_AA, _SUBPIXEL_BITS)


def place_glands(
    rng: np.random.Generator, section: Section, places: Places, plenty: float
) -> Glands:
    """Scatter all kinds of glands over the free places; `plenty` around 1 is common."""
    glands = Glands.none(section.shape)

    def scatter(count: float, low_px: float, high_px: float, draw: object) -> None:
        for _ in range(rng.poisson(count * plenty)):
            radius = float(rng.uniform(low_px, high_px))
            at = places.take(radius * 1.15)
            if at is not None:
                draw(glands, rng, at, radius, section.flow.at(*at))  # type: ignore[operator]

    for _ in range(rng.poisson(4 * plenty)):
        radius = float(rng.uniform(55, 160))
        at = places.take(radius)
        if at is not None:
            draw_crowd(glands, rng, at, radius, section.flow)
    scatter(4, 22, 44, draw_packed_duct)
    scatter(14, 24, 52, draw_lobule)
    scatter(2, 34, 60, draw_cysts)
    scatter(10, 9, 24, draw_duct)
    scatter(20, 5, 10, draw_duct)
    return glands


def paint_glands(rng: np.random.Generator, glands: Glands, stains: Stains, flow: Flow) -> None:
    shape = glands.bed.shape
    bed, epithelium, debris, lumen = (
        _unit(mask) for mask in (glands.bed, glands.epithelium, glands.debris, glands.lumen)
    )
    lymph = lymphocytes(rng, shape)
    stains.cover(0.75 * bed, 0.2 + 0.28 * lymph, 0.62 + 0.06 * smooth_noise(rng, shape, 12))
    nuclei = even_dots(rng, shape, 2.5, 0.75)
    stains.cover(epithelium, 0.5 + 0.62 * nuclei, 0.62)
    stains.cover(lumen, 0.0, 0.02)
    crumbs = smooth_noise(rng, shape, 6)
    stains.cover(debris, 0.16 + 0.1 * crumbs, 0.85 + 0.16 * crumbs)


def paint_lymphocytes(
    rng: np.random.Generator, places: Places, stains: Stains, plenty: float
) -> None:
    """Dark blue crowds with ragged edges, the benign double of a tumour sheet."""
    shape = stains.eosin.shape
    density = np.zeros(shape, np.uint8)
    for _ in range(rng.poisson(9 * plenty)):
        radius = float(rng.uniform(16, 90))
        at = places.take(radius)
        if at is not None:
            fill(density, blob(rng, at, radius, stretch=rng.uniform(1, 2), rough=0.16))
    soft = cv2.GaussianBlur(_unit(density), (0, 0), 9)
    crowd = ramp(
        soft - 0.13 * smooth_noise(rng, shape, 4) + 0.1 * smooth_noise(rng, shape, 30), 0.25, 0.6
    )
    stains.cover(0.92 * crowd, 0.46 + 0.75 * lymphocytes(rng, shape), 0.34)


def paint_vessels(
    rng: np.random.Generator, section: Section, places: Places, stains: Stains
) -> None:
    """Thick-walled arteries, thin veins with blood, and blood that leaked between fibres."""
    wall, lumen, blood = (np.zeros(section.shape, np.uint8) for _ in range(3))
    for _ in range(rng.poisson(9)):
        radius = float(rng.uniform(6, 20))
        at = places.take(radius * 1.3)
        if at is None:
            continue
        outline = blob(rng, at, radius, stretch=rng.uniform(1, 2.2), along=section.flow.at(*at))
        inner = _shrunk(outline, at, radius * rng.uniform(0.25, 0.55))
        fill(wall, outline)
        fill(lumen, inner)
        if rng.random() < 0.5:
            fill(blood, inner, int(rng.integers(150, 256)))
    for _ in range(rng.poisson(22)):
        at = places.take(8, gap_px=0)
        if at is not None:
            path = flow_path(rng, section.flow, at, rng.gamma(2, 14) + 8)
            trace(wall, path, int(rng.integers(2, 6)), int(rng.integers(60, 200)))
            trace(blood if rng.random() < 0.5 else lumen, path, 1, int(rng.integers(60, 230)))
    rings = smooth_noise(rng, section.shape, 3)
    stains.cover(0.85 * _unit(wall), 0.2 + 0.06 * rings, 0.95 + 0.14 * rings)
    stains.cover(_unit(lumen), 0.0, 0.02)
    leaked = 0.4 * rings + 1.1 * smooth_noise(rng, section.shape, 110)
    leaked += 0.3 * smooth_noise(rng, section.shape, 5)
    stains.blood += np.maximum(0.9 * _unit(blood), 0.6 * ramp(leaked, 2.9, 4.0) * section.stroma)


def _unit(mask: Mask) -> Field:
    return mask.astype(np.float32) * np.float32(1 / 255)
