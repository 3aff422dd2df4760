"""File names that mark a copy of another picture: augmented, rotated, or copied by hand."""

import re
from collections.abc import Sequence
from pathlib import PurePosixPath

import numpy as np

_MARKED = re.compile(
    r"(?:^|[_\-. ])(?:aug(?:mented)?|rot(?:ated?)?|[hv]?flip(?:ped)?|mirror(?:ed)?|copy)"
    r"[_\-]?\d*(?=$|[_\-. ])",
    re.IGNORECASE,
)
_NUMBERED = re.compile(r"^(.+?) ?\(\d+\)$")


def likely_copies(paths: Sequence[str]) -> np.ndarray:
    """Which names mark a likely copy: bool, shape (n,).

    "name (1)" counts only beside "name" in the same folder: many sets number their pictures so.
    """
    stems = [(str(PurePosixPath(path).parent), PurePosixPath(path).stem) for path in paths]
    present = set(stems)

    def is_copy(folder: str, stem: str) -> bool:
        numbered = _NUMBERED.match(stem)
        beside = numbered is not None and (folder, numbered[1]) in present
        return beside or _MARKED.search(stem) is not None

    return np.array([is_copy(folder, stem) for folder, stem in stems], bool)
