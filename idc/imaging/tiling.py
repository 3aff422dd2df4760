"""Layout of a region: cells, which are drawn, and tiles, which the model predicts.

Without overlap a cell is a tile. With a stride of 25 px a cell is a quarter of a tile, and its
value is the mean of the tiles that cover it, at most four. The last tile of a row or column is
moved inwards to lie within the region, so the model sees tissue at the right scale, and the edges
are covered.
"""

from dataclasses import dataclass

import numpy as np

from idc.patches import PATCH_SIZE_PX

STRIDES_PX = (PATCH_SIZE_PX, PATCH_SIZE_PX // 2)


@dataclass(frozen=True)
class Tiling:
    """Cells and tiles of a region of at least 50 x 50 px.

    Attributes:
        width, height: px of the region at 4 um per pixel.
        stride: 50, or 25 for overlapping tiles.
    """

    width: int
    height: int
    stride: int = PATCH_SIZE_PX

    def __post_init__(self) -> None:
        if self.stride not in STRIDES_PX:
            raise ValueError(f"stride must be one of {STRIDES_PX}. Received: {self.stride}")
        if min(self.width, self.height) < PATCH_SIZE_PX:
            raise ValueError(
                f"a region must be 50 px a side or more. Received: {self.width} x {self.height}"
            )

    @property
    def overlaps(self) -> bool:
        """Whether tiles overlap."""
        return self.stride < PATCH_SIZE_PX

    @property
    def x_edges(self) -> np.ndarray:
        """int64, shape (columns + 1,): left edges of the columns, right edge of the last."""
        return _edges(self.width, self.stride)

    @property
    def y_edges(self) -> np.ndarray:
        """int64, shape (rows + 1,): the same downwards."""
        return _edges(self.height, self.stride)

    @property
    def lefts(self) -> np.ndarray:
        """int64, shape (tile columns,): left edges of the tiles."""
        return _starts(self.width, self.stride)

    @property
    def tops(self) -> np.ndarray:
        """int64, shape (tile rows,): top edges of the tiles."""
        return _starts(self.height, self.stride)

    def tiles_covering(self, cells: np.ndarray) -> np.ndarray:
        """The tiles that cover at least one of some cells.

        Args:
            cells: bool, shape (rows, columns).

        Returns:
            bool, shape (tile rows, tile columns).
        """
        rows, columns = len(self.tops), len(self.lefts)
        covering = np.zeros((rows, columns), bool)
        for down, right in self._covered_cells():
            covering |= cells[down : down + rows, right : right + columns]
        return covering

    def cell_means(self, tiles: np.ndarray) -> np.ndarray:
        """The mean probability of the tiles that cover each cell.

        Args:
            tiles: float32, shape (tile rows, tile columns), nan where not predicted.

        Returns:
            float32, shape (rows, columns); nan where no covering tile was predicted.
        """
        rows, columns = tiles.shape
        predicted = ~np.isnan(tiles)
        sums = np.zeros((len(self.y_edges) - 1, len(self.x_edges) - 1))
        counts = np.zeros(sums.shape, int)
        for down, right in self._covered_cells():
            covered = np.s_[down : down + rows, right : right + columns]
            sums[covered] += np.where(predicted, tiles, 0)
            counts[covered] += predicted
        means = np.full(sums.shape, np.nan, np.float32)
        return np.divide(sums, counts, out=means, where=counts > 0, casting="same_kind")

    def tile_of(self, row: int, column: int) -> tuple[int, int]:
        """The tile (row, column) to show for a cell: the one that starts there, or the last."""
        return min(row, len(self.tops) - 1), min(column, len(self.lefts) - 1)

    def _covered_cells(self) -> list[tuple[int, int]]:
        """The cells that a tile covers, as offsets (rows, columns) from its own."""
        along = range(PATCH_SIZE_PX // self.stride)
        return [(down, right) for down in along for right in along]


def cut_tiles(rgb: np.ndarray, tops: np.ndarray, lefts: np.ndarray) -> np.ndarray:
    """Cut patches at given positions.

    Args:
        rgb: uint8 RGB, shape (height, width, 3).
        tops, lefts: int, shape (n,) each.

    Returns:
        uint8 RGB, shape (n, 50, 50, 3).
    """
    side = PATCH_SIZE_PX
    tiles = np.empty((len(tops), side, side, 3), np.uint8)
    for tile, top, left in zip(tiles, tops.tolist(), lefts.tolist(), strict=True):
        tile[:] = rgb[top : top + side, left : left + side]
    return tiles


def _edges(length: int, stride: int) -> np.ndarray:
    return np.append(np.arange(0, length, stride), length)


def _starts(length: int, stride: int) -> np.ndarray:
    count = -(-(length - PATCH_SIZE_PX) // stride) + 1
    return np.minimum(np.arange(count) * stride, length - PATCH_SIZE_PX)
