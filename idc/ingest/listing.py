"""List the patches in zips and folders, with all copies of each."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice

import numpy as np

from idc.files.sources import Source
from idc.patches import parse_patch_names

_PATHS_PER_CHUNK = 2**15


@dataclass(frozen=True)
class PatchListing:
    """The patches by name with all their copies, in arrays of about 50 bytes per file.

    Attributes:
        names: int32, shape (n, 4): case, y, x, label; in the order of `PatchName`.
        copies: int32, shape (m, 2): number of the source and of the file in it.
        starts: int64, shape (n + 1,): the copies of patch k are rows ``starts[k]`` to
            ``starts[k + 1]`` of ``copies``, in listing order.
        foreign: number of files not named like a patch.
    """

    names: np.ndarray
    copies: np.ndarray
    starts: np.ndarray
    foreign: int

    def __len__(self) -> int:
        return len(self.names)

    @property
    def second_copies(self) -> int:
        """Number of files with the name of an earlier file."""
        return len(self.copies) - len(self.names)


def list_patches(sources: Sequence[Source]) -> PatchListing:
    """List all sources.

    Raises:
        DataError: a folder cannot be read.
    """
    tables, foreign = [np.empty((0, 6), np.int32)], 0  # case, y, x, label, source, number
    for source_number, source in enumerate(sources):
        paths, first = source.names(), 0
        while chunk := list(islice(paths, _PATHS_PER_CHUNK)):
            names, is_patch = parse_patch_names(chunk)
            rows = np.flatnonzero(is_patch)
            table = np.empty((len(rows), 6), np.int32)
            table[:, :4], table[:, 4], table[:, 5] = names[rows], source_number, first + rows
            tables.append(table)
            foreign += len(chunk) - len(rows)
            first += len(chunk)
    table = np.concatenate(tables)
    # lexsort is stable, so copies of one name stay in listing order.
    table = table[np.lexsort(table[:, 3::-1].T)]
    is_new = np.ones(len(table), bool)
    is_new[1:] = (table[1:, :4] != table[:-1, :4]).any(axis=1)
    starts = np.append(np.flatnonzero(is_new), len(table))
    return PatchListing(table[is_new, :4], table[:, 4:].copy(), starts, foreign)
