"""Slides in the report: a case's patches, small, beside what the run made of each."""

import cv2
import numpy as np

from idc.behind import in_case
from idc.evaluation import cell_of
from idc.patches import PATCH_SIZE_PX
from idc.results import Results

_CELL_PX = 8  # on either side of a patch in the picture
_MOST_CELLS = 200  # along a side; patches further apart are no slide

CELL_RGB = {
    "tn": (0, 114, 178),
    "tp": (213, 94, 0),
    "fp": (230, 159, 0),
    "fn": (0, 0, 0),
}  # blue and vermilion as everywhere; errors by a hue of their own


def case_pictures(
    results: Results, case: int, threshold: float
) -> tuple[np.ndarray, np.ndarray] | None:
    """The scored patches of a case at their places, and the same in colours of right and wrong.

    Returns:
        two pictures, uint8 RGB, shape (height, width, 3), white where no scored patch lies; None
        without pixels, or when the patches lie too far apart.
    """
    chosen = np.flatnonzero(in_case(results, case))
    if results.store is None or not len(chosen):
        return None
    table = results.patches.iloc[chosen]
    column = (table["x"].to_numpy() - table["x"].min()) // PATCH_SIZE_PX
    row = (table["y"].to_numpy() - table["y"].min()) // PATCH_SIZE_PX
    if max(column.max(), row.max()) >= _MOST_CELLS:
        return None
    shape = ((row.max() + 1) * _CELL_PX, (column.max() + 1) * _CELL_PX, 3)
    tissue, answers = np.full(shape, 255, np.uint8), np.full(shape, 255, np.uint8)
    cells = cell_of(results.y_true[chosen], results.y_prob[chosen], threshold)
    for at, x, y, cell in zip(table["row"], column, row, cells, strict=True):
        place = np.s_[y * _CELL_PX : (y + 1) * _CELL_PX, x * _CELL_PX : (x + 1) * _CELL_PX]
        tissue[place] = cv2.resize(
            results.store.patches[at], (_CELL_PX, _CELL_PX), interpolation=cv2.INTER_AREA
        )
        answers[place] = CELL_RGB[cell]
    return tissue, answers
