"""The outlines of the areas that cells of a grid cover, with holes."""

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

# Directions of an edge: right, down, left, up; its cell lies to its right.
_DIRECTIONS = ((1, 0), (0, 1), (-1, 0), (0, -1))


@dataclass(frozen=True)
class Polygon:
    """An area with its holes, in the unit of its points.

    Attributes:
        exterior: int64 (k, 2), the corners x, y, clockwise on screen (y runs down), not closed.
        holes: the same, counter-clockwise.
    """

    exterior: np.ndarray
    holes: tuple[np.ndarray, ...] = ()

    @property
    def rings(self) -> tuple[np.ndarray, ...]:
        """The exterior, then the holes."""
        return (self.exterior, *self.holes)

    def moved(self, offset: np.ndarray) -> "Polygon":
        """The same area, moved by int64 (x, y)."""
        return Polygon(self.exterior + offset, tuple(hole + offset for hole in self.holes))


def cell_outlines(cells: np.ndarray) -> list[Polygon]:
    """Outline the areas of set cells. Cells that touch only at a corner are two areas.

    Args:
        cells: bool, shape (rows, columns).

    Returns:
        Polygons between the cells: a cell (row, column) covers x from column to column + 1 and
        y from row to row + 1. In reading order of their first cell.
    """
    areas, count = ndimage.label(cells)
    exteriors: dict[int, np.ndarray] = {}
    holes: dict[int, list[np.ndarray]] = {area: [] for area in range(1, count + 1)}
    for ring, cell in _rings(cells):
        area = int(areas[cell])
        if _is_clockwise(ring):
            exteriors[area] = ring
        else:
            holes[area].append(ring)
    return [Polygon(exteriors[area], tuple(holes[area])) for area in range(1, count + 1)]


def _rings(cells: np.ndarray) -> list[tuple[np.ndarray, tuple[int, int]]]:
    """All closed lines between set and unset cells, each with one of the set cells beside it."""
    edges = _edges(cells)
    rings = []
    while edges:
        start = next(iter(edges))
        cell, corners = edges[start], []
        at = start
        while at in edges:
            del edges[at]
            (x, y), direction = at
            end = (x + _DIRECTIONS[direction][0], y + _DIRECTIONS[direction][1])
            # Where two areas meet at a corner, the sharpest turn stays at the same cell.
            next_directions = ((direction + turn) % 4 for turn in (1, 0, 3))
            onward = next((way for way in next_directions if (end, way) in edges), start[1])
            if onward != direction:
                corners.append(end)
            at = (end, onward)
        rings.append((np.array(corners, np.int64), cell))
    return rings


def _edges(cells: np.ndarray) -> dict[tuple[tuple[int, int], int], tuple[int, int]]:
    """(start point, direction) -> the set cell (row, column) to the right of each border edge."""
    padded = np.pad(np.asarray(cells, bool), 1)
    inside = padded[1:-1, 1:-1]
    neighbours = (padded[:-2, 1:-1], padded[1:-1, 2:], padded[2:, 1:-1], padded[1:-1, :-2])
    starts = ((0, 0), (1, 0), (1, 1), (0, 1))  # of the upper, right, lower and left side
    edges = {}
    for direction, (neighbour, (right, down)) in enumerate(zip(neighbours, starts, strict=True)):
        for row, column in np.argwhere(inside & ~neighbour).tolist():
            edges[((column + right, row + down), direction)] = (row, column)
    return edges


def _is_clockwise(ring: np.ndarray) -> bool:
    """Clockwise on screen, where y increases downwards: the shoelace sum is positive."""
    x, y = ring.T
    return bool(np.dot(x, np.roll(y, -1)) > np.dot(y, np.roll(x, -1)))
