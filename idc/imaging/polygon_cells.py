"""Which points of a grid lie inside a polygon: the even-odd rule, row by row.

A point lies inside if a ray to the left of it crosses the rings an odd number of times, so a ring
within a ring is a hole. A point on a left or upper edge lies inside, one on a right or lower edge
outside: two polygons that share an edge never both contain a point, and never both miss one.
"""

from collections.abc import Iterator, Sequence

import numpy as np

# In points of the grid, some 4 ns each: two seconds for all.
MAX_WORK = 5 * 10**8
_CROSSING_WORK = 20  # an edge's crossing of a row takes as long as so many points
_CHUNK = 10**6  # crossings at once: 50 MB


class TooIntricate(ValueError):
    """Polygons whose points would take too long to find."""


class GridPolygons:
    """Finds the points of a grid inside polygons, with a limit on the work of all of them.

    Args:
        x, y: float64, ascending: the columns' and rows' coordinates.
    """

    def __init__(self, x: np.ndarray, y: np.ndarray, max_work: int = MAX_WORK) -> None:
        self._x, self._y = x, y
        self._work_left = max_work

    def inside(self, rings: Sequence[np.ndarray]) -> np.ndarray:
        """The points inside one polygon.

        Args:
            rings: float64, shape (k, 2) each: x, y of the corners, closed or not.

        Returns:
            int64, ascending: row * columns + column of each point inside.

        Raises:
            TooIntricate: the limit on the work is reached.
        """
        left, top = np.min([ring.min(axis=0) for ring in rings], axis=0)
        right, bottom = np.max([ring.max(axis=0) for ring in rings], axis=0)
        columns = np.searchsorted(self._x, [left, right])
        rows = np.searchsorted(self._y, [top, bottom])
        shape = (rows[1] - rows[0], columns[1] - columns[0])
        if 0 in shape:
            return np.empty(0, np.int64)
        edges = _Edges(rings, self._y)
        self._spend(shape[0] * shape[1] + _CROSSING_WORK * int(edges.counts.sum()))
        toggles = np.zeros(shape, np.uint8)  # overflow keeps the parity
        for row, x in edges.crossings():
            column = np.searchsorted(self._x, x) - columns[0]
            hits = column < shape[1]
            np.add.at(toggles, (row[hits] - rows[0], column[hits]), 1)
        row, column = np.nonzero(np.bitwise_xor.accumulate(toggles & 1, axis=1))
        found: np.ndarray = (row + rows[0]) * len(self._x) + column + columns[0]
        return found

    def _spend(self, work: int) -> None:
        self._work_left -= work
        if self._work_left < 0:
            raise TooIntricate


class _Edges:
    """The edges of some rings, and which rows of the grid each crosses."""

    def __init__(self, rings: Sequence[np.ndarray], y: np.ndarray) -> None:
        starts = np.concatenate(rings)
        ends = np.concatenate([np.roll(ring, -1, axis=0) for ring in rings])
        # Downwards, so that an edge of two polygons crosses each row at exactly the same x.
        upwards = (starts[:, 1] > ends[:, 1])[:, None]
        self._tops = np.where(upwards, ends, starts)
        self._bottoms = np.where(upwards, starts, ends)
        self._y = y
        self._first_rows = np.searchsorted(y, self._tops[:, 1])
        self.counts = np.searchsorted(y, self._bottoms[:, 1]) - self._first_rows

    def crossings(self) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Rows and x of all crossings, in chunks."""
        ends = np.cumsum(self.counts)
        for start in range(0, int(ends[-1]), _CHUNK):
            number = np.arange(start, min(start + _CHUNK, int(ends[-1])))
            edge = np.searchsorted(ends, number, side="right")
            row = self._first_rows[edge] + number - (ends[edge] - self.counts[edge])
            (x0, y0), (x1, y1) = self._tops[edge].T, self._bottoms[edge].T
            yield row, x0 + (self._y[row] - y0) / (y1 - y0) * (x1 - x0)
