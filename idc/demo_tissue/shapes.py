"""Outlines, placement and drawing of single structures, with subpixel edges (1/16 px)."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import cv2
import numpy as np
import numpy.typing as npt

from idc.demo_tissue.noise import COARSE, Field, Flow, shrunk, smooth_noise

_SUBPIXEL_BITS = 4
_WAVES = np.arange(2, 7)
Mask = npt.NDArray[np.uint8]  # (height, width), 0 to 255, edges smoothed
Vertices = npt.NDArray[np.float64]  # (k, 2), x and y in px


@dataclass
class FreePlaces:
    """Coarse map of free areas, which prevents structures from overlapping."""

    free: npt.NDArray[np.uint8]  # (height // COARSE, width // COARSE), 1 free
    attraction: Field  # the same shape; structures gather where it is high
    rng: np.random.Generator = field(repr=False)

    def take(self, radius_px: float, gap_px: float = 4) -> tuple[float, float] | None:
        """Reserve a random circle of `radius_px`. Returns its centre (x, y), or None if full."""
        room = cv2.distanceTransform(np.pad(self.free, 1), cv2.DIST_L2, 5)[1:-1, 1:-1]
        rows, columns = np.nonzero(room * COARSE > radius_px)
        if rows.size == 0:
            return None
        picks = self.rng.integers(rows.size, size=3)
        pick = picks[np.argmax(self.attraction[rows[picks], columns[picks]])]
        row, column = int(rows[pick]), int(columns[pick])
        cv2.circle(self.free, (column, row), int((radius_px + gap_px) / COARSE) + 1, 0, -1)
        return (column + 0.5) * COARSE, (row + 0.5) * COARSE


def find_places(rng: np.random.Generator, free: Field) -> FreePlaces:
    """`free`: (height, width), above 0.5 where structures may lie."""
    usable = (shrunk(free) > 0.5).astype(np.uint8)
    return FreePlaces(usable, smooth_noise(rng, usable.shape, 25), rng)


def blob(
    rng: np.random.Generator,
    centre: tuple[float, float],
    radius_px: float,
    *,
    stretch: float = 1.0,
    along: tuple[float, float] = (1.0, 0.0),
    rough: float = 0.08,
) -> Vertices:
    """A closed, wobbly outline, `stretch` times as long as wide, its long side `along`."""
    angle = np.linspace(0, 2 * np.pi, max(14, int(radius_px * 1.5)), endpoint=False)
    size = rough * rng.normal(size=_WAVES.size) / np.sqrt(_WAVES)
    radius = 1 + size @ np.cos(_WAVES[:, None] * angle + rng.uniform(0, 6.28, (_WAVES.size, 1)))
    long, wide = np.sqrt(stretch) * np.cos(angle), np.sin(angle) / np.sqrt(stretch)
    dx, dy = along
    points = np.stack([long * dx - wide * dy, long * dy + wide * dx], axis=1)
    return np.asarray(centre) + radius_px * radius[:, None] * points


def inset(outline: Vertices, centre: tuple[float, float], wall_px: float) -> Vertices:
    middle = np.asarray(centre)
    radius = np.linalg.norm(outline - middle, axis=1, keepdims=True)
    return middle + (outline - middle) * np.maximum(1 - wall_px / np.maximum(radius, 1), 0.05)


def fill(mask: Mask, outline: Vertices, value: int = 255) -> None:
    """Fill an outline, its edge smoothed to a fraction of a pixel."""
    points = np.rint(outline * (1 << _SUBPIXEL_BITS)).astype(np.int32)
    cv2.fillPoly(mask, [points], value, cv2.LINE_AA, _SUBPIXEL_BITS)


def fill_ellipse(
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


def draw_line(mask: Mask, path: Vertices, width_px: int, value: int = 255) -> None:
    points = np.rint(path * (1 << _SUBPIXEL_BITS)).astype(np.int32)
    cv2.polylines(mask, [points], False, value, width_px, cv2.LINE_AA, _SUBPIXEL_BITS)


def flow_path(
    rng: np.random.Generator, flow: Flow, start: tuple[float, float], length_px: float
) -> Vertices:
    """A line along the fibres. (k, 2), x and y in px."""
    step, points, turn = 8.0, [start], rng.choice([-1.0, 1.0])
    for _ in range(int(length_px / step)):
        x, y = points[-1]
        dx, dy = flow.at(x, y)
        points.append((x + turn * step * dx, y + turn * step * dy))
    return np.array(points) + rng.normal(0, 0.6, (len(points), 2))


def hexagonal_points(
    rng: np.random.Generator, at: tuple[float, float], reach_px: float, spacing_px: float
) -> npt.NDArray[np.float64]:
    """Points (n, 2) of a jittered hexagonal grid in a square around `at`."""
    steps = np.arange(-reach_px, reach_px, spacing_px)
    x, y = np.meshgrid(steps, steps * 0.87)
    x[::2] += spacing_px / 2
    points = np.stack([x.ravel() + at[0], y.ravel() + at[1]], axis=1)
    return points + rng.normal(0, 0.19 * spacing_px, points.shape)


def to_unit_range(mask: Mask) -> Field:
    return mask.astype(np.float32) * np.float32(1 / 255)
