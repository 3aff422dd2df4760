"""Which patches lie in some sources, and where all copies of each are."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice

import numpy as np

from idc.files.sources import Source
from idc.patches import parse_patch_names

_PATHS_PER_CHUNK = 2**15  # paths


@dataclass(frozen=True)
class PatchListing:
    """The patches by name, each with all its copies: about 50 bytes a file, no Python objects.

    Attributes:
        names: int32, shape (n, 4): case, y, x, label; in the order of `PatchName`.
        copies: int32, shape (m, 2): number of the source, number of the file in it.
        starts: int64, shape (n + 1,): the copies of patch k are rows ``starts[k]`` to
            ``starts[k + 1]`` of ``copies``, in the order of their listing.
        foreign: files whose name is not a patch's.
    """

    names: np.ndarray
    copies: np.ndarray
    starts: np.ndarray
    foreign: int

    def __len__(self) -> int:
        return len(self.names)

    @property
    def second_copies(self) -> int:
        """Files whose name another one has already."""
        return len(self.copies) - len(self.names)


def list_patches(sources: Sequence[Source]) -> PatchListing:
    """Read all names of the sources.

    Raises:
        DataError: a folder cannot be read.
    """
    tables, foreign = [np.empty((0, 6), np.int32)], 0  # case, y, x, label, source, number
    for which, source in enumerate(sources):
        paths, number = source.names(), 0
        while some := list(islice(paths, _PATHS_PER_CHUNK)):
            names, good = parse_patch_names(some)
            rows = np.flatnonzero(good)
            table = np.empty((len(rows), 6), np.int32)
            table[:, :4], table[:, 4], table[:, 5] = names[rows], which, number + rows
            tables.append(table)
            foreign += len(some) - len(rows)
            number += len(some)
    table = np.concatenate(tables)
    # Stable, so copies of one name stay in the order of their listing.
    table = table[np.lexsort(table[:, 3::-1].T)]
    is_new = np.ones(len(table), bool)
    is_new[1:] = (table[1:, :4] != table[:-1, :4]).any(axis=1)
    starts = np.append(np.flatnonzero(is_new), len(table))
    return PatchListing(table[is_new, :4], table[:, 4:].copy(), starts, foreign)
