"""Slides in the report: a case's tissue, beside its patches coloured by right and wrong."""

import numpy as np

from idc.datasets.stitched_slide import lay_out_case, slide_thumbnail
from idc.evaluation.patch_selection import in_case
from idc.evaluation.results import Results
from idc.metrics.scores import confusion_cell_names

_MAX_SIZE_PX = (400, 400)

CELL_RGB = {
    "tn": (0, 114, 178),
    "tp": (213, 94, 0),
    "fp": (230, 159, 0),
    "fn": (0, 0, 0),
}  # blue and vermilion as everywhere; errors by a hue of their own
_NOT_SCORED_RGB = (215, 215, 215)
_NO_PATCH_RGB = (255, 255, 255)


def case_pictures(
    results: Results, case: int, threshold: float
) -> tuple[np.ndarray, np.ndarray] | None:
    """A case's tissue, and its patches in colours of right and wrong.

    Returns:
        two pictures of one size, uint8 RGB, shape (height, width, 3), white where no patch lies and
        the second grey where none was scored; None without pixels.

    Raises:
        DataError: the case's patches lie too far apart for one slide.
    """
    if results.store is None:
        return None
    slide = lay_out_case(results.store, case)
    tissue = slide_thumbnail(results.store, slide, _MAX_SIZE_PX)
    has_tissue = tissue[..., 3:] > 0
    cell_px = tissue.shape[0] // slide.grid.shape[0]
    colours = np.full((len(slide.rows) + 1, 3), _NOT_SCORED_RGB, np.uint8)
    colours[-1] = _NO_PATCH_RGB  # what -1 in the grid picks
    chosen = in_case(results, case)
    names = confusion_cell_names(results.y_true[chosen], results.y_prob[chosen], threshold)
    at = np.searchsorted(slide.rows, results.rows[chosen])
    colours[at] = [CELL_RGB[name] for name in names]
    predictions = colours[slide.grid].repeat(cell_px, axis=0).repeat(cell_px, axis=1)
    return np.where(has_tissue, tissue[..., :3], 255).astype(np.uint8), predictions
