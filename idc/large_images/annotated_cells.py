"""The cells of a region or slide inside the annotations of a file."""

from dataclasses import dataclass

import numpy as np

from idc.errors import UploadError
from idc.imaging.polygon_cells import GridPolygons, TooIntricate
from idc.uploads.annotations import Annotations

SEPARATOR = "; "  # between the names of annotations that overlap

_MAX_OVERLAP = 20  # annotations around one cell, all of which its label names


@dataclass(frozen=True, eq=False)
class AnnotatedCells:
    """Which cells lie in which annotations. A cell lies inside where its centre does.

    Attributes:
        file_name: of the annotations.
        names: of the annotations, unique; untrusted text.
        cells: of each annotation, int64, ascending: row * columns + column of its cells.
        shape: rows and columns of the grid.
    """

    file_name: str
    names: tuple[str, ...]
    cells: tuple[np.ndarray, ...]
    shape: tuple[int, int]

    def inside(self) -> np.ndarray:
        """bool, shape (rows, columns): the cells inside any annotation."""
        inside = np.zeros(self.shape, bool)
        for cells in self.cells:
            inside.flat[cells] = True
        return inside

    def labels(self) -> np.ndarray:
        """object, shape (rows, columns): the name of each cell's annotation, "" outside of all.

        Where annotations overlap, the names in the order of the file, joined by `SEPARATOR`.
        """
        labels = np.full(self.shape[0] * self.shape[1], "", object)
        for name, cells in zip(self.names, self.cells, strict=True):
            taken = labels[cells] != ""
            labels[cells[~taken]] = name
            labels[cells[taken]] += SEPARATOR + name
        return labels.reshape(self.shape)


def annotated_cells(
    annotations: Annotations, x_edges: np.ndarray, y_edges: np.ndarray, origin: np.ndarray
) -> AnnotatedCells:
    """Find the cells inside annotations.

    Args:
        x_edges, y_edges: int64, ascending, px of the image at level 0.
        origin: int64 (x, y): where the annotations' frame begins at level 0.

    Raises:
        UploadError: the annotations are too intricate, overlap too often, or contain no cell.
    """
    x = (x_edges[:-1] + x_edges[1:]) / 2 - origin[0]
    y = (y_edges[:-1] + y_edges[1:]) / 2 - origin[1]
    grid, cells = GridPolygons(x, y), []
    overlap = np.zeros(len(x) * len(y), np.uint8)
    try:
        for area in annotations.areas:
            found = [grid.inside(rings) for rings in area.polygons]
            cells.append(found[0] if len(found) == 1 else np.unique(np.concatenate(found)))
            overlap[cells[-1]] += 1
            if overlap[cells[-1]].max(initial=0) > _MAX_OVERLAP:
                raise UploadError(
                    f"More than {_MAX_OVERLAP} annotations of '{annotations.file_name}' lie over "
                    "one another; export fewer."
                )
    except TooIntricate as error:
        raise UploadError(
            f"The annotations of '{annotations.file_name}' are too many or too intricate for an "
            "image of this size; export fewer, or simplify them in QuPath."
        ) from error
    if not overlap.any():
        raise UploadError(
            f"No patch of this image has its centre inside an annotation of "
            f"'{annotations.file_name}'; export the annotations of this image, at full resolution."
        )
    names = tuple(area.name for area in annotations.areas)
    return AnnotatedCells(annotations.file_name, names, tuple(cells), (len(y), len(x)))
