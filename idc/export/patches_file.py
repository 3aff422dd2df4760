"""A data set as one file of NumPy arrays, for notebooks on other machines."""

from pathlib import Path
from typing import IO

import numpy as np

from idc.datasets.store import PatchStore
from idc.files import atomic


def write_patches(store: PatchStore, path: Path) -> None:
    """Write a ``.npz`` file: ``patches``, ``labels``, ``cases``, ``x``, ``y``, ``class_names``.

    The pixels pass through memory in pieces.

    Raises:
        OSError: the file cannot be written; an earlier file of that name is unchanged.
    """
    with atomic.replacement_path(path) as temporary, temporary.open("wb") as file:
        _save(store, file)


def _save(store: PatchStore, file: IO[bytes]) -> None:
    about = store.description
    distinct, inverse = np.unique(store.cases, return_inverse=True)
    names = np.array([about.case_name(int(case)) for case in distinct], dtype=np.str_)
    np.savez(
        file,
        patches=store.patches,  # uint8 RGB, shape (n, side, side, 3)
        labels=store.labels,
        cases=names[inverse],
        x=store.columns["x"],
        y=store.columns["y"],
        class_names=np.array(about.class_names, dtype=np.str_),
    )
