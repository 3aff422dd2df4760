"""Predict a region of tissue: a probability for each of its patches.

The image is rescaled to the model's scale (`idc.imaging.rescaling`), separated from background
(`idc.imaging.tissue_mask`), tiled (`idc.imaging.tiling`) and predicted in batches. Results are in
px of the original image.
"""

import math
from dataclasses import dataclass, replace

import cv2
import numpy as np

from idc.errors import PredictionError
from idc.imaging.rescaling import ModelScale, resize_to, to_model_scale
from idc.imaging.tiling import Tiling, cut_tiles
from idc.imaging.tissue_mask import MIN_TISSUE_SHARE, cell_shares, tissue_mask
from idc.large_images.annotated_cells import AnnotatedCells, annotated_cells
from idc.large_images.frames import Bounds, qupath_origin_px
from idc.patches import MPP_UM, PATCH_SIZE_PX
from idc.prediction.predictor import predict_patches
from idc.progress import ProgressCallback
from idc.runs.run import Run
from idc.uploads.annotations import Annotations

# Small enough for progress, for stopping, and for other requests.
_BATCH_SIZE = 512  # two of the model's batches
_BATCH_BYTES = 8 * 10**6  # of larger patches: some 10 of 512 px
_MIN_CELL_PX = 25  # where the tissue mask is computed, whose blur colours neighbouring cells
KAGGLE_SCALE = ModelScale()


@dataclass(frozen=True)
class RegionLayout:
    """Tiling and tissue mask of a region, without pixels.

    Attributes:
        width_px, height_px: of the original image.
        mpp_um: its micrometres per pixel; None if unknown, as the model's is then.
        tiling: cells and tiles at the model's scale.
        tissue: bool, shape (rows, columns) of cells; the others are background.
        bounds_px: the box to which QuPath crops the image, see `idc.large_images.frames`; None if
            it shows the whole image.
        annotated: the cells inside annotations, outside of which nothing is predicted or reported;
            None if there are no annotations.
        model: side and scale of the tiles.
    """

    width_px: int
    height_px: int
    mpp_um: float | None
    tiling: Tiling
    tissue: np.ndarray
    bounds_px: Bounds | None = None
    annotated: AnnotatedCells | None = None
    model: ModelScale = KAGGLE_SCALE

    @property
    def downsample(self) -> float:
        """px of the original image in one px of the model."""
        return self.model.downsample(self.mpp_um)

    @property
    def x_edges_px(self) -> np.ndarray:
        """int64, shape (columns + 1,): x edges of the cells in px of the original image."""
        return scale_edges_px(self.tiling.x_edges, self.downsample, self.width_px)

    @property
    def y_edges_px(self) -> np.ndarray:
        """int64, shape (rows + 1,)."""
        return scale_edges_px(self.tiling.y_edges, self.downsample, self.height_px)

    @property
    def areas_px(self) -> np.ndarray:
        """int64, shape (rows, columns): area of each cell in px; 0 for mirrored padding."""
        return np.outer(np.diff(self.y_edges_px), np.diff(self.x_edges_px))

    @property
    def reported(self) -> np.ndarray:
        """bool, shape (rows, columns): the cells that exports list, with tissue or without.

        Not the mirrored padding of a small region, and with annotations only the cells inside.
        """
        within = self.areas_px > 0
        return within if self.annotated is None else within & self.annotated.inside()

    @property
    def places(self) -> np.ndarray:
        """int64, shape (n, 2): row and column of the cells with tissue, in reading order."""
        return np.argwhere(self.tissue)

    def boxes_px(self) -> np.ndarray:
        """int64, shape (n, 4): x, y, width, height of the cells with tissue, in px as above."""
        return cell_boxes(self.x_edges_px, self.y_edges_px)[self.tissue]

    def only_inside(self, annotations: Annotations | None) -> "RegionLayout":
        """The same layout, limited to the cells whose centre lies inside annotations.

        Args:
            annotations: in QuPath's frame; None for no limit.

        Raises:
            UploadError: see `annotated_cells`.
        """
        if annotations is None:
            return self
        origin = qupath_origin_px(self.bounds_px)
        annotated = annotated_cells(annotations, self.x_edges_px, self.y_edges_px, origin)
        return replace(self, tissue=self.tissue & annotated.inside(), annotated=annotated)

    def tiles_to_predict(self) -> np.ndarray:
        """bool, shape (tile rows, tile columns): the tiles to predict."""
        return self.tiling.tiles_covering(self.tissue)


@dataclass(frozen=True)
class Region:
    """A region, ready for the model.

    Attributes:
        rgb: uint8 RGB at the model's scale, at least a patch's side in both directions.
        layout: how it is tiled.
        mirrored: it was smaller than a patch, and mirrored at its edges to fill one.
    """

    rgb: np.ndarray
    layout: RegionLayout
    mirrored: bool = False


@dataclass(frozen=True)
class RegionPredictions:
    """A model's predictions for a region.

    Attributes:
        layout: how it was tiled.
        tiles: float32 [0, 1], shape (tile rows, tile columns): the calibrated probability of each
            tile; nan where it was not predicted.
    """

    layout: RegionLayout
    tiles: np.ndarray

    def cells(self) -> np.ndarray:
        """float32 [0, 1], shape (rows, columns): of each cell; nan on background."""
        means = self.layout.tiling.cell_means(self.tiles)
        return np.where(self.layout.tissue, means, np.float32(np.nan))

    def predicted_positive(self, threshold: float) -> np.ndarray:
        """bool, shape (rows, columns): the cells called positive; none on background."""
        # Compare as float64: NumPy would round the threshold to float32, possibly downwards.
        return self.cells().astype(np.float64) >= threshold


def lay_out_region(
    rgb: np.ndarray,
    mpp_um: float | None,
    stride: int | None = None,
    only: Annotations | None = None,
    model: ModelScale = KAGGLE_SCALE,
) -> Region:
    """Prepare a region.

    Args:
        rgb: uint8 RGB, shape (height, width, 3), the original image.
        mpp_um: its micrometres per pixel; may be None if the model's scale is unknown.
        stride: px from tile to tile, see `Tiling`; None for the patch's side.
        only: predict only inside these annotations.
        model: side and scale of the model's patches, see `model_scale`.

    Raises:
        UploadError: the scale is missing or implausible for this image, or no cell lies inside
            annotations.
    """
    height, width = rgb.shape[:2]
    scaled = to_model_scale(rgb, mpp_um, model)
    whole = _mirror_pad_to_patch(scaled, model.side_px)
    tiling = Tiling(whole.shape[1], whole.shape[0], stride or model.side_px, model.side_px)
    tissue_shares = _tissue_shares(whole, tiling, model)
    layout = RegionLayout(width, height, mpp_um, tiling, np.empty(0, bool), model=model)
    # Mirrored padding lies outside of the image and is not tissue.
    tissue = (tissue_shares >= MIN_TISSUE_SHARE) & (layout.areas_px > 0)
    layout = replace(layout, tissue=tissue).only_inside(only)
    return Region(whole, layout, mirrored=whole is not scaled)


def model_scale(run: Run) -> ModelScale:
    """Side and scale of the patches that a run's model takes."""
    about = run.description()
    return ModelScale(about.side_px, about.mpp_um)


def check_scale_choice(run: Run, *, own_pixels: bool) -> None:
    """Check that a region's or slide's scale can be related to that of a run's patches.

    Args:
        own_pixels: whether the image is to be cut into patches as it is.

    Raises:
        PredictionError: the run's scale is unknown and this was not stated, or it is known and was.
    """
    model = model_scale(run)
    if model.mpp_um is None and not own_pixels:
        raise PredictionError(
            f"The run '{run.title}' was trained on patches of unknown scale; cut the image into "
            f"patches of {model.side_px} x {model.side_px} px as it is with --own-pixels, or train "
            "on a data set packed with --mpp."
        )
    if model.mpp_um is not None and own_pixels:
        raise PredictionError(
            f"The run '{run.title}' was trained at {model.mpp_um:g} um per pixel; state the scale "
            "of the image with --mpp instead of --own-pixels."
        )


def predict_region(
    run: Run,
    region: Region,
    *,
    on_progress: ProgressCallback | None = None,
) -> RegionPredictions:
    """Predict every tile with tissue by a run's model.

    Args:
        on_progress: called with (tiles done, total tiles); an exception from it ends the work.

    Raises:
        PredictionError: as `predict_patches`.
    """
    tiling = region.layout.tiling
    batch_size = patches_a_batch(tiling.side)
    rows, columns = np.nonzero(region.layout.tiles_to_predict())
    tiles = np.full((len(tiling.tops), len(tiling.lefts)), np.nan, np.float32)
    for start in range(0, len(rows), batch_size):
        batch = np.s_[start : start + batch_size]
        tops, lefts = tiling.tops[rows[batch]], tiling.lefts[columns[batch]]
        patches = cut_tiles(region.rgb, tops, lefts, tiling.side)
        tiles[rows[batch], columns[batch]] = predict_patches(run, patches)
        if on_progress:
            on_progress(min(start + batch_size, len(rows)), len(rows))
    return RegionPredictions(region.layout, tiles)


def tile_at(region: Region, row: int, column: int) -> np.ndarray:
    """The input patch of a tile: uint8 RGB, shape (side, side, 3)."""
    tiling = region.layout.tiling
    top, left = tiling.tops[row : row + 1], tiling.lefts[column : column + 1]
    return cut_tiles(region.rgb, top, left, tiling.side)[0]


def patches_a_batch(side_px: int, most: int = _BATCH_SIZE) -> int:
    """How many patches to predict in one request: ``most``, or fewer large ones."""
    return min(most, max(1, _BATCH_BYTES // (3 * side_px**2)))


def cell_boxes(x_edges: np.ndarray, y_edges: np.ndarray) -> np.ndarray:
    """x, y, width, height of each cell of a grid: int64, shape (rows, columns, 4)."""
    x, y = np.meshgrid(x_edges[:-1], y_edges[:-1])
    width, height = np.meshgrid(np.diff(x_edges), np.diff(y_edges))
    return np.stack([x, y, width, height], axis=-1)


def scale_edges_px(edges: np.ndarray, downsample: float, length_px: int) -> np.ndarray:
    """Convert edges at the model's scale to px of the image, clipped to it.

    A cell outside of the image (mirrored padding of a small region) becomes empty.

    Args:
        edges: int64, rising; the last one is the region's end, and becomes ``length_px``.
        downsample: px of the image in one px of the model.
    """
    px = np.minimum(np.floor(edges * downsample).astype(np.int64), length_px)
    px[-1] = length_px
    return px


def _tissue_shares(rgb: np.ndarray, tiling: Tiling, model: ModelScale) -> np.ndarray:
    """The share of tissue in each cell, by the mask of the image at 4 um per pixel.

    Or finer, where cells would be too small.

    Without a known scale, at the scale where a patch has the 50 px of the Kaggle set's.

    Returns:
        float64 [0, 1], shape (rows, columns).
    """
    shrink = MPP_UM / model.mpp_um if model.mpp_um else tiling.side / PATCH_SIZE_PX
    shrink = max(1.0, min(shrink, tiling.stride / _MIN_CELL_PX))
    width, height = (math.ceil(side / shrink) for side in (tiling.width, tiling.height))
    x_edges = (tiling.x_edges * (width / tiling.width)).astype(np.int64)
    y_edges = (tiling.y_edges * (height / tiling.height)).astype(np.int64)
    x_edges[-1], y_edges[-1] = width, height
    return cell_shares(tissue_mask(resize_to(rgb, (width, height))), x_edges, y_edges)


def _mirror_pad_to_patch(rgb: np.ndarray, side_px: int) -> np.ndarray:
    height, width = rgb.shape[:2]
    below, right = max(0, side_px - height), max(0, side_px - width)
    if not (below or right):
        return rgb
    return cv2.copyMakeBorder(rgb, 0, below, 0, right, cv2.BORDER_REFLECT)
