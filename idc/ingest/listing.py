"""List the patches in zips and folders, with all copies of each."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice

import numpy as np

from idc.files.sources import Source
from idc.ingest.layouts.class_names import plain
from idc.patches import parse_patch_names
from idc.uploads.file_batch import label_conflict_note

_PATHS_PER_CHUNK = 2**15
_FOLDER_LABELS = {  # compared without case, spaces, "-" and "_"
    "0": 0,
    "1": 1,
    "class0": 0,
    "class1": 1,
    "negative": 0,
    "positive": 1,
    "idcnegative": 0,
    "idcpositive": 1,
}


@dataclass(frozen=True)
class PatchListing:
    """The patches by name with all their copies, in arrays of about 50 bytes per file.

    Attributes:
        names: int32, shape (n, 4): case, y, x, label; in the order of `PatchName`.
        copies: int32, shape (m, 2): number of the source and of the file in it.
        starts: int64, shape (n + 1,): the copies of patch k are rows ``starts[k]`` to
            ``starts[k + 1]`` of ``copies``, in listing order.
        foreign: number of files not named like a patch.
        conflicts: number of patches of which a copy lies in a folder of the other label.
    """

    names: np.ndarray
    copies: np.ndarray
    starts: np.ndarray
    foreign: int
    conflicts: int = 0

    def __len__(self) -> int:
        return len(self.names)

    @property
    def second_copies(self) -> int:
        """Number of files with the name of an earlier file."""
        return len(self.copies) - len(self.names)

    def conflict_note(self) -> str:
        """A sentence about labels that folder and file name state differently; "" without any."""
        return label_conflict_note(self.conflicts, "file name")


def list_patches(sources: Sequence[Source], roots: Sequence[str] = ()) -> PatchListing:
    """List all sources.

    Args:
        roots: the sources' own names, which may state a label as folders do.

    Raises:
        DataError: a folder cannot be read.
    """
    # case, y, x, label, source, number, whether the folder states the other label
    tables, foreign = [np.empty((0, 7), np.int32)], 0
    folders = _FolderLabels()
    for source_number, source in enumerate(sources):
        paths, first = source.names(), 0
        root = f"{roots[source_number]}/" if roots else ""
        while chunk := list(islice(paths, _PATHS_PER_CHUNK)):
            names, is_patch = parse_patch_names(chunk)
            rows = np.flatnonzero(is_patch)
            table = np.empty((len(rows), 7), np.int32)
            table[:, :4], table[:, 4], table[:, 5] = names[rows], source_number, first + rows
            stated = folders.of([root + chunk[row] for row in rows.tolist()])
            other = (stated >= 0) & (stated != table[:, 3])
            table[:, 6] = other & (stated != table[:, 0])  # a folder "1" may be that of case 1
            tables.append(table)
            foreign += len(chunk) - len(rows)
            first += len(chunk)
    table = np.concatenate(tables)
    # lexsort is stable, so copies of one name stay in listing order.
    table = table[np.lexsort(table[:, 3::-1].T)]
    is_new = np.ones(len(table), bool)
    is_new[1:] = (table[1:, :4] != table[:-1, :4]).any(axis=1)
    starts = np.append(np.flatnonzero(is_new), len(table))
    conflicts = 0
    if table[:, 6].any():
        conflicts = int(np.logical_or.reduceat(table[:, 6], starts[:-1]).sum())
    return PatchListing(table[is_new, :4], table[:, 4:6].copy(), starts, foreign, conflicts)


class _FolderLabels:
    """The labels of folders, each looked up once: 555,000 files lie in some 1,100 folders."""

    def __init__(self) -> None:
        self._known: dict[str, int] = {}

    def of(self, paths: Sequence[str]) -> np.ndarray:
        """The label of each path's folder: int32, shape (paths,); -1 for none."""
        labels = np.empty(len(paths), np.int32)
        for at, path in enumerate(paths):
            folder = path[: path.rfind("/")]
            label = self._known.get(folder)
            if label is None:
                label = self._known[folder] = folder_label(folder)
            labels[at] = label
        return labels


def folder_label(folder: str) -> int:
    """The label that the nearest of a path's folders states by its name; -1 for none."""
    for name in reversed(folder.split("/")):
        if (label := _FOLDER_LABELS.get(plain(name))) is not None:
            return label
    return -1
