"""Which patches lie in some sources, and where all copies of each are."""

from array import array
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from idc.patches import parse_patch_numbers
from idc.sources import Source

_FIELDS = 6  # case, y, x, label, source, number


@dataclass(frozen=True)
class Listing:
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


def list_patches(sources: Sequence[Source]) -> Listing:
    """Read all names of the sources.

    Raises:
        DataError: a folder cannot be read.
    """
    files, foreign = array("i"), 0
    for which, source in enumerate(sources):
        for number, path in enumerate(source.names()):
            name = parse_patch_numbers(path.rpartition("/")[2])
            if name is None:
                foreign += 1
            else:
                files.extend((*name, which, number))
    table = np.frombuffer(files, np.int32).reshape(-1, _FIELDS)
    # Stable, so copies of one name stay in the order of their listing.
    table = table[np.lexsort(table[:, 3::-1].T)]
    is_new = np.ones(len(table), bool)
    is_new[1:] = (table[1:, :4] != table[:-1, :4]).any(axis=1)
    starts = np.append(np.flatnonzero(is_new), len(table))
    return Listing(table[is_new, :4], table[:, 4:].copy(), starts, foreign)
