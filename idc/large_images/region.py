"""Predict a region of tissue: a probability for each of its patches.

The image is rescaled to the model's scale (`idc.imaging.rescaling`), separated from background
(`idc.imaging.tissue_mask`), tiled (`idc.imaging.tiling`) and predicted in batches. Results are in
px of the original image.
"""

from dataclasses import dataclass, replace

import cv2
import numpy as np

from idc.errors import PredictionError
from idc.imaging.rescaling import to_model_scale
from idc.imaging.tiling import Tiling, cut_tiles
from idc.imaging.tissue_mask import MIN_TISSUE_SHARE, cell_shares, tissue_mask
from idc.large_images.annotated_cells import AnnotatedCells, annotated_cells
from idc.large_images.frames import Bounds, qupath_origin_px
from idc.patches import MPP_UM, PATCH_SIZE_PX
from idc.prediction.predictor import predict_patches
from idc.progress import ProgressCallback
from idc.runs.run import Run
from idc.uploads.annotations import Annotations

# Two of the model's batches: small enough for progress, for stopping, and for other requests.
_BATCH_SIZE = 512


@dataclass(frozen=True)
class RegionLayout:
    """Tiling and tissue mask of a region, without pixels.

    Attributes:
        width_px, height_px: of the original image.
        mpp_um: its micrometres per pixel.
        tiling: cells and tiles at 4 um a pixel.
        tissue: bool, shape (rows, columns) of cells; the others are background.
        bounds_px: the box to which QuPath crops the image, see `idc.large_images.frames`; None if
            it shows the whole image.
        annotated: the cells inside annotations, outside of which nothing is predicted or reported;
            None if there are no annotations.
    """

    width_px: int
    height_px: int
    mpp_um: float
    tiling: Tiling
    tissue: np.ndarray
    bounds_px: Bounds | None = None
    annotated: AnnotatedCells | None = None

    @property
    def x_edges_px(self) -> np.ndarray:
        """int64, shape (columns + 1,): x edges of the cells in px of the original image."""
        return scale_edges_px(self.tiling.x_edges, self.mpp_um, self.width_px)

    @property
    def y_edges_px(self) -> np.ndarray:
        """int64, shape (rows + 1,)."""
        return scale_edges_px(self.tiling.y_edges, self.mpp_um, self.height_px)

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
        rgb: uint8 RGB at 4 um a pixel, at least 50 px a side.
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
        """bool, shape (rows, columns): the cells called IDC-positive; none on background."""
        # Compare as float64: NumPy would round the threshold to float32, possibly downwards.
        return self.cells().astype(np.float64) >= threshold


def lay_out_region(
    rgb: np.ndarray,
    mpp_um: float,
    stride: int = PATCH_SIZE_PX,
    only: Annotations | None = None,
) -> Region:
    """Prepare a region.

    Args:
        rgb: uint8 RGB, shape (height, width, 3), the original image.
        mpp_um: its micrometres per pixel.
        stride: px from tile to tile, see `Tiling`.
        only: predict only inside these annotations.

    Raises:
        UploadError: the scale is implausible for this image, or no cell lies inside annotations.
    """
    height, width = rgb.shape[:2]
    scaled = to_model_scale(rgb, mpp_um)
    whole = _mirror_pad_to_patch(scaled)
    tiling = Tiling(whole.shape[1], whole.shape[0], stride)
    tissue_shares = cell_shares(tissue_mask(whole), tiling.x_edges, tiling.y_edges)
    layout = RegionLayout(width, height, mpp_um, tiling, np.empty(0, bool))
    # Mirrored padding lies outside of the image and is not tissue.
    tissue = (tissue_shares >= MIN_TISSUE_SHARE) & (layout.areas_px > 0)
    layout = replace(layout, tissue=tissue).only_inside(only)
    return Region(whole, layout, mirrored=whole is not scaled)


def check_region_model(run: Run) -> None:
    """Check that a run's model can predict regions and slides.

    Raises:
        PredictionError: its patches have another side or scale than 50 px at 4 um per pixel.
    """
    about = run.description()
    if (about.side_px, about.mpp_um) != (PATCH_SIZE_PX, MPP_UM):
        raise PredictionError(
            f"The run '{run.title}' was trained on patches of {about.side_px} x {about.side_px} px "
            f"at {about.scale_text()}; regions and slides are predicted only by runs on patches of "
            f"{PATCH_SIZE_PX} x {PATCH_SIZE_PX} px at {MPP_UM:g} µm per pixel. Choose another run."
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
    rows, columns = np.nonzero(region.layout.tiles_to_predict())
    tiles = np.full((len(tiling.tops), len(tiling.lefts)), np.nan, np.float32)
    for start in range(0, len(rows), _BATCH_SIZE):
        batch = np.s_[start : start + _BATCH_SIZE]
        patches = cut_tiles(region.rgb, tiling.tops[rows[batch]], tiling.lefts[columns[batch]])
        tiles[rows[batch], columns[batch]] = predict_patches(run, patches)
        if on_progress:
            on_progress(min(start + _BATCH_SIZE, len(rows)), len(rows))
    return RegionPredictions(region.layout, tiles)


def tile_at(region: Region, row: int, column: int) -> np.ndarray:
    """The input patch of a tile: uint8 RGB, shape (50, 50, 3)."""
    tiling = region.layout.tiling
    top, left = tiling.tops[row : row + 1], tiling.lefts[column : column + 1]
    return cut_tiles(region.rgb, top, left)[0]


def cell_boxes(x_edges: np.ndarray, y_edges: np.ndarray) -> np.ndarray:
    """x, y, width, height of each cell of a grid: int64, shape (rows, columns, 4)."""
    x, y = np.meshgrid(x_edges[:-1], y_edges[:-1])
    width, height = np.meshgrid(np.diff(x_edges), np.diff(y_edges))
    return np.stack([x, y, width, height], axis=-1)


def scale_edges_px(edges: np.ndarray, mpp_um: float, length_px: int) -> np.ndarray:
    """Convert edges at 4 um per px to px at another scale, clipped to the image.

    A cell outside of the image (mirrored padding of a small region) becomes empty.

    Args:
        edges: int64, rising; the last one is the region's end, and becomes ``length_px``.
    """
    px = np.minimum(np.floor(edges * (MPP_UM / mpp_um)).astype(np.int64), length_px)
    px[-1] = length_px
    return px


def _mirror_pad_to_patch(rgb: np.ndarray) -> np.ndarray:
    height, width = rgb.shape[:2]
    below, right = max(0, PATCH_SIZE_PX - height), max(0, PATCH_SIZE_PX - width)
    if not (below or right):
        return rgb
    return cv2.copyMakeBorder(rgb, 0, below, 0, right, cv2.BORDER_REFLECT)
