"""Layout of a region: cells, which are drawn, and tiles, which the model predicts.

Without overlap a cell is a tile. With a stride of half a side a cell is a quarter of a tile, and
its value is the mean of the tiles that cover it, at most four. The last tile of a row or column is
moved inwards to lie within the region, so the model sees tissue at the right scale, and the edges
are covered.
"""

from dataclasses import dataclass

import numpy as np

from idc.patches import PATCH_SIZE_PX


@dataclass(frozen=True)
class Tiling:
    """Cells and tiles of a region of at least one tile.

    Attributes:
        width, height: px of the region at the model's scale.
        stride: the side of a tile, or half of it (rounded down) for overlapping tiles.
        side: px of a tile.
    """

    width: int
    height: int
    stride: int = PATCH_SIZE_PX
    side: int = PATCH_SIZE_PX

    def __post_init__(self) -> None:
        strides = (self.side, self.side // 2)
        if self.stride not in strides:
            raise ValueError(f"stride must be one of {strides}. Received: {self.stride}")
        if min(self.width, self.height) < self.side:
            raise ValueError(
                f"a region must be {self.side} px a side or more. Received: {self.width} x "
                f"{self.height}"
            )

    @property
    def overlaps(self) -> bool:
        """Whether tiles overlap."""
        return self.stride < self.side

    @property
    def x_edges(self) -> np.ndarray:
        """int64, shape (columns + 1,): left edges of the columns, right edge of the last."""
        return self._edges(self.width)

    @property
    def y_edges(self) -> np.ndarray:
        """int64, shape (rows + 1,): the same downwards."""
        return self._edges(self.height)

    @property
    def lefts(self) -> np.ndarray:
        """int64, shape (tile columns,): left edges of the tiles."""
        return self._starts(self.width)

    @property
    def tops(self) -> np.ndarray:
        """int64, shape (tile rows,): top edges of the tiles."""
        return self._starts(self.height)

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
        along = range(self.side // self.stride)
        return [(down, right) for down in along for right in along]

    def _edges(self, length: int) -> np.ndarray:
        cells = self._tiles_along(length) + self.side // self.stride - 1
        return np.append(np.arange(cells) * self.stride, length)

    def _starts(self, length: int) -> np.ndarray:
        return np.minimum(np.arange(self._tiles_along(length)) * self.stride, length - self.side)

    def _tiles_along(self, length: int) -> int:
        return -(-(length - self.side) // self.stride) + 1


def cut_tiles(
    rgb: np.ndarray, tops: np.ndarray, lefts: np.ndarray, side: int = PATCH_SIZE_PX
) -> np.ndarray:
    """Cut patches at given positions.

    Args:
        rgb: uint8 RGB, shape (height, width, 3).
        tops, lefts: int, shape (n,) each.

    Returns:
        uint8 RGB, shape (n, side, side, 3).
    """
    tiles = np.empty((len(tops), side, side, 3), np.uint8)
    for tile, top, left in zip(tiles, tops.tolist(), lefts.tolist(), strict=True):
        tile[:] = rgb[top : top + side, left : left + side]
    return tiles
