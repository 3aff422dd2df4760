"""A case stitched back into its slide: the position of each patch, and one image of them all.

Positions without a patch are gaps: they have no label, lie outside the outlines, and are
transparent in images with alpha.

Every function here reads the patches of one case only.
"""

from dataclasses import dataclass

import cv2
import numpy as np

from idc.datasets.full_set import expected_patches
from idc.datasets.store import PatchStore
from idc.errors import DataError
from idc.imaging.outline import Polygon, cell_outlines

# Colour of gaps in images without alpha: glass, so that lossy compression leaves no dark rim
# around the tissue. `StitchedSlide.boxes` gives the gaps.
GAP_RGB = (244, 242, 245)

# The largest real case covers 12 million px; far more means invalid names.
MAX_SLIDE_PX = 80_000_000


@dataclass(frozen=True)
class StitchedSlide:
    """The layout of a case's patches, without pixels; see `stitch_slide`.

    Attributes:
        rows: int64, shape (n,): row numbers in the store, in reading order (by y, then x).
        labels: int8 {0, 1}, shape (n,).
        boxes: int64, shape (n, 4): x, y, width, height of each patch in px of the stitched slide.
            Patches at the slide's edge are smaller than the others.
        grid: int64, shape (grid rows, grid columns): the number [0, n) of the patch in each cell,
            -1 for a gap.
        side_px: side of a cell.
        mpp_um: micrometres per px; None if unknown.
        left, top: offset in px of the stitched slide in the whole slide; a patch named x, y lies
            at (x - left, y - top).
        width, height: px of the stitched slide, the bounding box of its patches.
    """

    case: int
    rows: np.ndarray
    labels: np.ndarray
    boxes: np.ndarray
    grid: np.ndarray
    left: int
    top: int
    width: int
    height: int
    side_px: int
    mpp_um: float | None

    @property
    def size_mm(self) -> tuple[float, float] | None:
        """(width, height) of the tissue; None if the scale is unknown."""
        if self.mpp_um is None:
            return None
        return self.width * self.mpp_um / 1000, self.height * self.mpp_um / 1000

    def outlines(self) -> list[Polygon]:
        """The outline of the positive patches, in px of the stitched slide."""
        positive = np.append(self.labels == 1, False)[self.grid]  # -1 selects the appended False
        return [
            Polygon(self._to_px(polygon.exterior), tuple(map(self._to_px, polygon.holes)))
            for polygon in cell_outlines(positive)
        ]

    def coverage_mask(self) -> np.ndarray:
        """bool, shape (height, width): True where a patch lies."""
        mask = np.zeros((self.height, self.width), bool)
        for x, y, width, height in self.boxes.tolist():
            mask[y : y + height, x : x + width] = True
        return mask

    def _to_px(self, ring: np.ndarray) -> np.ndarray:
        """Cell corners in px, clipped: patches at the right and lower edge may be smaller."""
        return np.minimum(ring * self.side_px, [self.width, self.height])


def lay_out_case(store: PatchStore, case: int) -> StitchedSlide:
    """Find a case's patches and their positions.

    Raises:
        DataError: the data set holds no such case, or its patches lie too far apart for one slide.
    """
    name = store.description.case_name(case)
    first, last = np.searchsorted(store.cases, [case, case + 1]).tolist()
    if first == last:
        raise DataError(f"The data set '{store.name}' holds no case {name}; choose another.")
    table = store.index.iloc[first:last]
    x, y, width, height = (
        table[name].to_numpy().astype(np.int64) for name in ("x", "y", "width", "height")
    )
    left, top = int(x.min()), int(y.min())
    boxes = np.stack([x - left, y - top, width, height], axis=1)
    right, bottom = (boxes[:, :2] + boxes[:, 2:]).max(axis=0).tolist()
    if right * bottom > MAX_SLIDE_PX:
        raise DataError(
            f"The patches of case {name} lie up to {max(right, bottom):,} px apart, too far for "
            "one slide; check the file names that the data set was packed from."
        )
    side = store.description.side_px
    column, row = (boxes[:, :2] // side).T
    grid = np.full((row.max() + 1, column.max() + 1), -1, np.int64)
    grid[row, column] = np.arange(len(table))
    rows = np.arange(first, last)
    labels, mpp_um = table["label"].to_numpy(), store.description.mpp_um
    return StitchedSlide(case, rows, labels, boxes, grid, left, top, right, bottom, side, mpp_um)


def stitch_slide(store: PatchStore, slide: StitchedSlide) -> np.ndarray:
    """All patches of a slide in one image. Edge patches have their original size.

    Returns:
        uint8 RGB, shape (height, width, 3); `GAP_RGB` where no patch lies.
    """
    # Filling by rows: NumPy fills by pixels more slowly than all the rest takes.
    line = np.tile(np.array(GAP_RGB, np.uint8), slide.width)
    image = np.full((slide.height, line.size), line).reshape(slide.height, slide.width, 3)
    patches = store.patches[slide.rows[0] : slide.rows[-1] + 1]
    for patch, (x, y, width, height) in zip(patches, slide.boxes.tolist(), strict=True):
        if (width, height) != (slide.side_px, slide.side_px):
            patch = cv2.resize(patch, (width, height), interpolation=cv2.INTER_AREA)
        image[y : y + height, x : x + width] = patch
    return image


def slide_thumbnail(
    store: PatchStore, slide: StitchedSlide, max_size_px: tuple[int, int]
) -> np.ndarray:
    """A thumbnail of a slide. Each patch is reduced separately, so that gaps stay sharp.

    Args:
        max_size_px: the maximum (width, height); a patch has at least one pixel.

    Returns:
        uint8 RGBA, shape (height, width, 4); alpha 0 in gaps, else 255.
    """
    rows, columns = slide.grid.shape
    cell_px = min(max_size_px[0] // columns, max_size_px[1] // rows, slide.side_px) or 1
    column_of_patches = store.patches[slide.rows[0] : slide.rows[-1] + 1].reshape(
        -1, slide.side_px, 3
    )
    cells = np.full((len(slide.rows) + 1, cell_px, cell_px, 4), 255, np.uint8)
    cells[:-1, ..., :3] = cv2.resize(
        column_of_patches, (cell_px, len(slide.rows) * cell_px), interpolation=cv2.INTER_AREA
    ).reshape(-1, cell_px, cell_px, 3)
    cells[-1] = 0  # selected by -1 in the grid
    return cells[slide.grid].swapaxes(1, 2).reshape(rows * cell_px, columns * cell_px, 4)


def coverage_note(slide: StitchedSlide) -> str:
    """How many patches of the case the data set holds, and what gaps are."""
    held, expected = len(slide.rows), expected_patches(slide.case)
    if expected is None:
        return f"{held:,} patches; no patch was cut where there is only background."
    if held < expected:
        return (
            f"{held:,} of {expected:,} patches: gaps are patches missing from this data set, or "
            "background."
        )
    return f"All {expected:,} patches of this case; gaps are background that was never cut."


def is_incomplete(slide: StitchedSlide) -> bool:
    """Whether the full set has more patches of the case, so that gaps may be tissue."""
    expected = expected_patches(slide.case)
    return expected is not None and len(slide.rows) < expected
