"""Whole-slide files (svs, ndpi, mrxs, scn, pyramidal TIFF, ...): read and predicted tile by tile.

A slide has billions of pixels and never fits in memory: blocks are read at the coarsest level that
is not coarser than the model's scale. A child process (`idc.large_images.slide_decoder_worker`)
decodes the file; the server itself never reads it.
"""

import math
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import cv2
import numpy as np

from idc.errors import SlideError
from idc.imaging.rescaling import MAX_MPP_UM, MIN_MPP_UM, ModelScale, check_mpp
from idc.imaging.tiling import Tiling, cut_tiles
from idc.imaging.tissue_mask import MIN_TISSUE_SHARE, cell_shares, tissue_mask
from idc.large_images.frames import parse_bounds
from idc.large_images.region import (
    KAGGLE_SCALE,
    RegionLayout,
    RegionPredictions,
    patches_a_batch,
)
from idc.patches import PATCH_SIZE_PX
from idc.prediction.predictor import predict_patches
from idc.processes.child import Answer, Child, ChildDied, ChildTimeout
from idc.processes.environment import DECODER_VARIABLES
from idc.progress import ProgressCallback
from idc.runs.run import Run
from idc.uploads.annotations import Annotations

SLIDE_ONLY_SUFFIXES = (".svs", ".ndpi", ".mrxs", ".scn", ".vms", ".bif", ".svslide", ".dcm")
SLIDE_SUFFIXES = (*SLIDE_ONLY_SUFFIXES, ".tif", ".tiff")  # a TIFF may be an ordinary image
OVERVIEW_SIDE_PX = 2_000

_MAX_SIDE_PX = 4_096  # of a box at its level
_MAX_SLIDE_SIDE_PX = 2**24
_MAX_CELLS = 2 * 10**6
_LARGEST_SLIDE_MM2 = 80_000.0
_MIN_CELL_PX = 2.0  # in the overview's mask
_OPEN_TIMEOUT_S = 60.0
_READ_TIMEOUT_S = 120.0  # a box from a slow network disk
_MAX_SENTENCE_LENGTH = 300
_BATCH_SIZE = 256  # a batch of the model
_BLOCK_PX = 16 * PATCH_SIZE_PX  # side of a block of tiles that is read at once


class LargeImageError(SlideError):
    """The file cannot be read as a slide and has too many pixels for a region."""


class WholeSlide:
    """An opened whole-slide file; a context manager.

    Attributes:
        path: the file.
        width, height: px at full resolution.
        downsamples: of the levels, rising from 1.
        mpp_um: micrometres per px at full resolution from the file; None if it states none.
        scale_note: one sentence where the file's statements of its scale disagree or are unusable;
            else empty.
        bounds_px: x, y, width, height of the scanned part at full resolution, to which QuPath crops
            the slide; None if the file states none.
        dicom_series: the SeriesInstanceUID of a DICOM slide; else empty.

    Raises:
        SlideError: it cannot be read; `LargeImageError`, and neither as a region.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._child = Child(
            "idc.large_images.slide_decoder_worker",
            inherit=DECODER_VARIABLES,
            max_answer_bytes=3 * _MAX_SIDE_PX**2,
        )
        try:
            metadata = self._ask({}, _OPEN_TIMEOUT_S)[0]
            self.width, self.height, self.downsamples, self.mpp_um = _validated(metadata, path)
            self.scale_note = _printable(metadata.get("scale_note", ""))
            self.dicom_series = _printable(metadata.get("dicom_series", ""))
            self.bounds_px = parse_bounds(metadata.get("bounds"), self.width, self.height)
        except BaseException:
            self._child.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._child.close()

    def read(self, x: float, y: float, size: tuple[int, int], downsample: float) -> np.ndarray:
        """Read a box, downscaled by area; white outside of the slide.

        A large box is read in parts.

        Args:
            x, y: its upper left corner, px at full resolution.
            size: (width, height) of the result.
            downsample: px at full resolution per px of the result.

        Returns:
            uint8 RGB, shape (height, width, 3).
        """
        step = self.max_read_side_px(downsample)
        if max(size) > step:
            return self._read_parts(x, y, size, downsample)
        level = self._level(downsample)
        factor = downsample / self.downsamples[level]
        box = [round(x), round(y), *(max(1, round(side * factor)) for side in size)]
        question = {"box": box, "level": level, "size": list(size)}
        block = self._ask(question, _READ_TIMEOUT_S)[1]
        if len(block) != size[0] * size[1] * 3:
            raise SlideError(f"'{self.path.name}' could not be read; the file may be damaged.")
        return np.frombuffer(block, np.uint8).reshape(size[1], size[0], 3)

    def max_read_side_px(self, downsample: float) -> int:
        """The largest side that is read at once."""
        factor = downsample / self.downsamples[self._level(downsample)]
        return max(1, min(_MAX_SIDE_PX, int(_MAX_SIDE_PX / factor)))

    def overview(self, on_progress: ProgressCallback | None = None) -> np.ndarray:
        """The whole slide as a small image, at most `OVERVIEW_SIDE_PX` per side.

        Returns:
            uint8 RGB, shape (height, width, 3).
        """
        downsample, size = self._overview_size()
        return self._read_parts(0.0, 0.0, size, downsample, on_progress)

    @property
    def overview_reads(self) -> int:
        """Number of boxes that `overview` reads: one, or more if there is no small level."""
        downsample, size = self._overview_size()
        return len(self._part_corners(size, downsample))

    def tile(self, layout: RegionLayout, row: int, column: int) -> np.ndarray:
        """The input patch of a tile: uint8 RGB, shape (side, side, 3)."""
        factor, tiling = layout.downsample, layout.tiling
        left, top = tiling.lefts[column], tiling.tops[row]
        return self.read(left * factor, top * factor, (tiling.side, tiling.side), factor)

    def _overview_size(self) -> tuple[float, tuple[int, int]]:
        """Downsample of the overview, and its (width, height)."""
        downsample = max(1.0, max(self.width, self.height) / OVERVIEW_SIDE_PX)
        width, height = (max(1, int(side / downsample)) for side in (self.width, self.height))
        return downsample, (width, height)

    def _part_corners(self, size: tuple[int, int], downsample: float) -> list[tuple[int, int]]:
        """Where the parts of a box begin that is read in parts, in px of the result."""
        step = self.max_read_side_px(downsample)
        return [(x, y) for y in range(0, size[1], step) for x in range(0, size[0], step)]

    def _read_parts(
        self,
        x: float,
        y: float,
        size: tuple[int, int],
        downsample: float,
        on_progress: ProgressCallback | None = None,
    ) -> np.ndarray:
        """`read` in parts that are small enough for the decoder."""
        step = self.max_read_side_px(downsample)
        corners = self._part_corners(size, downsample)
        picture = np.empty((size[1], size[0], 3), np.uint8)
        for done, (left, top) in enumerate(corners, 1):
            part = (min(step, size[0] - left), min(step, size[1] - top))
            picture[top : top + part[1], left : left + part[0]] = self.read(
                x + left * downsample, y + top * downsample, part, downsample
            )
            if on_progress:
                on_progress(done, len(corners))
        return picture

    def _level(self, downsample: float) -> int:
        """The coarsest level that is not coarser than ``downsample``, up to rounding."""
        fine = [i for i, factor in enumerate(self.downsamples) if factor <= downsample * 1.01]
        return fine[-1] if fine else 0

    def _ask(self, question: dict[str, Any], timeout_s: float) -> Answer:
        name = self.path.name
        try:
            header, block = self._child.ask(
                {"path": str(self.path), **question}, timeout_s=timeout_s
            )
        except ChildTimeout as error:
            raise SlideError(f"'{name}' takes too long to read; copy it to a fast disk.") from error
        except ChildDied as error:
            raise SlideError(f"'{name}' could not be read safely; it may be damaged.") from error
        if header.get("ok") is not True:
            kind = LargeImageError if header.get("is_large") is True else SlideError
            raise kind(f"'{name}' {_printable(header.get('reason'))}.")
        return header, block


def lay_out_slide(
    slide: WholeSlide,
    overview: np.ndarray,
    mpp_um: float | None,
    stride: int | None = None,
    only: Annotations | None = None,
    model: ModelScale = KAGGLE_SCALE,
) -> RegionLayout:
    """Tile a slide and separate tissue from background, using its overview.

    Args:
        mpp_um: micrometres per px at full resolution; may be None if the model's scale is unknown.
        stride: px from tile to tile, see `Tiling`; None for the patch's side.
        only: predict only inside these annotations.
        model: side and scale of the model's patches.

    Raises:
        UploadError: the scale is missing or implausible, or no cell lies inside annotations.
        SlideError: the slide is smaller than a patch, or has too many.
    """
    if mpp_um is not None:
        check_mpp(mpp_um)
    factor, stride = 1 / model.downsample(mpp_um), stride or model.side_px
    width, height = round(slide.width * factor), round(slide.height * factor)
    if min(width, height) < model.side_px:
        raise SlideError(
            f"{_at_scale(slide, mpp_um, model)} is smaller than a patch "
            f"({model.patch_size().replace('×', 'x').replace('µ', 'u')}); check the scale."
        )
    if width * height > _MAX_CELLS * stride**2:
        raise SlideError(_too_many_cells(slide, mpp_um, model, width * height // stride**2))
    tiling = Tiling(width, height, stride, model.side_px)
    layout = RegionLayout(
        slide.width, slide.height, mpp_um, tiling, np.empty(0, bool), slide.bounds_px, model=model
    )
    tissue_shares = _tissue_shares(layout, tissue_mask(overview))
    return replace(layout, tissue=tissue_shares >= MIN_TISSUE_SHARE).only_inside(only)


def _at_scale(slide: WholeSlide, mpp_um: float | None, model: ModelScale) -> str:
    """The slide's name, with the scale where it counts."""
    known = mpp_um is not None and model.mpp_um is not None
    return f"At {mpp_um:g} um per pixel '{slide.path.name}'" if known else f"'{slide.path.name}'"


def _too_many_cells(slide: WholeSlide, mpp_um: float | None, model: ModelScale, cells: int) -> str:
    width_mm, height_mm = (side * (mpp_um or 0) / 1000 for side in (slide.width, slide.height))
    name = _at_scale(slide, mpp_um, model)
    if width_mm * height_mm > _LARGEST_SLIDE_MM2:
        return (
            f"{name} would be {width_mm:,.0f} x {height_mm:,.0f} mm, larger than any slide; check "
            "the scale."
        )
    return (
        f"{name} would have {cells:,} patches, more than the {_MAX_CELLS:,} that can be predicted "
        "at once; omit the overlap, or choose a run on larger patches."
    )


def _tissue_shares(layout: RegionLayout, mask: np.ndarray) -> np.ndarray:
    """The share of tissue in each cell, by the mask of an overview.

    Args:
        mask: bool, shape (height, width) of the overview.

    Returns:
        float64 [0, 1], shape (rows, columns).
    """
    height, width = mask.shape
    x_factor, y_factor = width / layout.width_px, height / layout.height_px
    cell_px = layout.tiling.stride * layout.downsample * min(x_factor, y_factor)
    if cell_px < _MIN_CELL_PX:  # else a cell without a pixel would count as background
        times = math.ceil(_MIN_CELL_PX / cell_px)
        enlarged = cv2.resize(
            mask.astype(np.uint8), None, fx=times, fy=times, interpolation=cv2.INTER_NEAREST
        )
        mask, x_factor, y_factor = enlarged > 0, x_factor * times, y_factor * times
    columns = np.rint(layout.x_edges_px * x_factor).astype(np.int64)
    rows = np.rint(layout.y_edges_px * y_factor).astype(np.int64)
    return cell_shares(mask, columns, rows)


def predict_slide(
    run: Run,
    slide: WholeSlide,
    layout: RegionLayout,
    *,
    on_progress: ProgressCallback | None = None,
) -> RegionPredictions:
    """Predict every tile with tissue by a run's model, in memory independent of the slide's size.

    Args:
        on_progress: called with (tiles done, total tiles); an exception from it ends the work.

    Raises:
        SlideError: the file can no longer be read.
        PredictionError: as `predict_patches`.
    """
    wanted = layout.tiles_to_predict()
    tiles = np.full(wanted.shape, np.nan, np.float32)
    total, done = int(wanted.sum()), 0
    for rows, columns, patches in _batches(slide, layout, wanted):
        tiles[rows, columns] = predict_patches(run, patches)
        done += len(rows)
        if on_progress:
            on_progress(done, total)
    return RegionPredictions(layout, tiles)


def _batches(
    slide: WholeSlide, layout: RegionLayout, wanted: np.ndarray
) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Rows and columns of tiles with their patches, at least one model batch at a time."""
    batch_size = patches_a_batch(layout.tiling.side, _BATCH_SIZE)
    waiting: list[tuple[np.ndarray, np.ndarray, np.ndarray]] = []
    for rows, columns in _tile_blocks(slide, layout, wanted):
        waiting.append((rows, columns, _read_tiles(slide, layout, rows, columns)))
        if sum(len(part[0]) for part in waiting) >= batch_size:
            yield _concatenate(waiting)
            waiting = []
    if waiting:
        yield _concatenate(waiting)


def _concatenate(
    parts: list[tuple[np.ndarray, np.ndarray, np.ndarray]],
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rows, columns, patches = zip(*parts, strict=True)
    return np.concatenate(rows), np.concatenate(columns), np.concatenate(patches)


def _tile_blocks(
    slide: WholeSlide, layout: RegionLayout, wanted: np.ndarray
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Rows and columns of the tiles to predict, grouped by read."""
    stride, side_px = layout.tiling.stride, layout.tiling.side
    largest_px = max(_BLOCK_PX, 2 * side_px)
    max_size_px = min(slide.max_read_side_px(layout.downsample), largest_px)
    side = max(1, (max_size_px - side_px) // stride + 1)  # tiles
    for top in range(0, wanted.shape[0], side):
        for left in range(0, wanted.shape[1], side):
            rows, columns = np.nonzero(wanted[top : top + side, left : left + side])
            if len(rows):
                yield rows + top, columns + left


def _read_tiles(
    slide: WholeSlide, layout: RegionLayout, rows: np.ndarray, columns: np.ndarray
) -> np.ndarray:
    """uint8 RGB, shape (n, side, side, 3), cut from one box around all tiles."""
    tops, lefts = layout.tiling.tops[rows], layout.tiling.lefts[columns]
    y, x, side_px = int(tops.min()), int(lefts.min()), layout.tiling.side
    size = (int(lefts.max()) - x + side_px, int(tops.max()) - y + side_px)
    factor = layout.downsample
    rgb = slide.read(x * factor, y * factor, size, factor)
    return cut_tiles(rgb, tops - y, lefts - x, side_px)


def _printable(text: object) -> str:
    """A sentence from the decoder process, which a hostile file may have taken over."""
    return "".join(c for c in str(text) if c.isprintable())[:_MAX_SENTENCE_LENGTH]


def _validated(metadata: dict[str, Any], path: Path) -> tuple[int, int, list[float], float | None]:
    """Validate the metadata: a hostile file may have taken over the process that sent it."""
    width, height, downsamples, mpp_um = (
        metadata.get(name) for name in ("width", "height", "downsamples", "mpp_um")
    )
    if (
        not isinstance(width, int)
        or not isinstance(height, int)
        or not isinstance(downsamples, list)
        or not (0 < width <= _MAX_SLIDE_SIDE_PX and 0 < height <= _MAX_SLIDE_SIDE_PX)
        or not 0 < len(downsamples) <= 64
        or not all(isinstance(d, float) and 0.99 <= d < 1e6 for d in downsamples)
    ):
        raise SlideError(f"'{path.name}' could not be read safely; it may be damaged.")
    known = isinstance(mpp_um, float) and MIN_MPP_UM <= mpp_um <= MAX_MPP_UM
    return width, height, sorted(downsamples), mpp_um if known else None
