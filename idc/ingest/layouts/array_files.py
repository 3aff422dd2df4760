"""Arrays of pictures: HDF5 pairs as PCam has them, and ``.npz`` files as MedMNIST has them.

PCam: Veeling et al. 2018, arXiv:1806.03962; MedMNIST: Yang et al. 2023,
doi:10.1038/s41597-022-01721-8.
"""

import csv
import re
import threading
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from idc.errors import DataError
from idc.ingest.layouts.class_folders import parse_places
from idc.ingest.layouts.class_names import known_order
from idc.ingest.layouts.plan import PackPlan

ARRAY_SUFFIXES = (".h5", ".hdf5", ".npz")
_MAX_NPZ_BYTES = 8 * 10**9  # of its arrays, which are read into memory
_PARTS = (("train", 0), ("valid", 1), ("val", 1), ("test", 2))
_PAIR = re.compile(r"(.*)_([xy])", re.IGNORECASE)


class ArrayPictures:
    """Pictures in arrays, one after the other; see `idc.ingest.layouts.plan.Pictures`.

    Args:
        arrays: each uint8, shape (k, height, width, 3), (k, height, width, 1) or (k, height,
            width); read on access.
    """

    def __init__(self, arrays: Sequence[Any]) -> None:
        self._arrays = arrays
        self._starts = np.cumsum([0, *(len(array) for array in arrays)])
        self._lock = threading.Lock()  # HDF5 files are read by one thread at a time

    def read(self, number: int) -> np.ndarray:
        array = int(np.searchsorted(self._starts, number, "right")) - 1
        with self._lock:
            picture = np.asarray(self._arrays[array][number - int(self._starts[array])])
        if picture.ndim == 2:
            picture = picture[..., None]
        return np.ascontiguousarray(np.broadcast_to(picture, (*picture.shape[:2], 3)))


def recognise_hdf5(paths: Sequence[Path]) -> PackPlan:
    """Recognise pairs of files ``..._x.h5`` (pictures) and ``..._y.h5`` (labels 0, 1).

    A table ``..._meta.csv`` beside a pair gives cases (``wsi``) and places (``coord_x``,
    ``coord_y``). The files stay open as long as the plan.

    Raises:
        DataError: a file is damaged or has no partner, or its arrays have other shapes.
    """
    pairs = _pair_files(paths)
    pictures, classes, parts, names = list[Any](), list[str](), list[np.ndarray](), list[str]()
    tables = [_read_meta(stem, x) for stem, (x, _) in pairs.items()]
    for stem, (x, y) in pairs.items():
        images, labels = _only_array(x), np.asarray(_only_array(y)).ravel()
        _check_images(x.name, images, len(labels))
        pictures.append(images)
        classes += [str(int(label)) for label in labels]
        parts.append(np.full(len(labels), _part_of(stem), np.int8))
        names += [f"{x.name}[{number}]" for number in range(len(labels))]
    part = np.concatenate(parts)
    cases, places = _cases_and_places(tables, [len(each) for each in parts])
    several = len(pairs) > 1 and part.min() >= 0
    return PackPlan(
        layout=f"{len(pairs)} HDF5 pair{'s' if len(pairs) > 1 else ''} of pictures and labels",
        paths=names,
        pictures=ArrayPictures(pictures),
        classes=classes,
        cases=cases,
        places=places,
        parts=part if several else None,
        notes=_notes(cases, part if several else None),
        class_order=known_order(sorted(set(classes))),
    )


def recognise_npz(path: Path) -> PackPlan:
    """Recognise the arrays ``{train,val,test}_images`` and ``..._labels`` of one file.

    Raises:
        DataError: it is damaged, too large, or holds other arrays.
    """
    try:
        _check_npz_size(path)
        with np.load(path, allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
    except (OSError, ValueError, EOFError, KeyError, zipfile.BadZipFile) as error:
        raise DataError(f"'{path.name}' is not a readable .npz file; download it again.") from error
    pictures, classes, parts, names = list[Any](), list[str](), list[np.ndarray](), list[str]()
    for name, part in (("train", 0), ("val", 1), ("test", 2)):
        images, labels = arrays.get(f"{name}_images"), arrays.get(f"{name}_labels")
        if images is None or labels is None:
            continue
        if labels.ndim > 1 and labels.shape[-1] != 1:
            raise DataError(
                f"'{path.name}' has {labels.shape[-1]} labels for each picture; a data set needs "
                "one."
            )
        _check_images(path.name, images, len(labels.ravel()))
        pictures.append(images)
        classes += [str(int(label)) for label in labels.ravel()]
        parts.append(np.full(len(labels), part, np.int8))
        names += [f"{name}[{number}]" for number in range(len(labels))]
    if not pictures:
        listed = ", ".join(sorted(arrays)[:8]) or "none"
        raise DataError(
            f"'{path.name}' holds the arrays {listed}; train_images, train_labels and alike are "
            "understood, as MedMNIST has them."
        )
    all_parts = np.concatenate(parts)
    several = len(pictures) > 1
    return PackPlan(
        layout="arrays of pictures and labels in one .npz file",
        paths=names,
        pictures=ArrayPictures(pictures),
        classes=classes,
        parts=all_parts if several else None,
        notes=_notes([], all_parts if several else None),
        class_order=known_order(sorted(set(classes))),
    )


def _pair_files(paths: Sequence[Path]) -> dict[str, tuple[Path, Path]]:
    """Common name -> the files of pictures and of labels."""
    found: dict[str, dict[str, Path]] = {}
    for path in sorted(paths):
        match = _PAIR.fullmatch(path.stem)
        if match is None:
            raise DataError(
                f"'{path.name}' is none of a pair ..._x.h5 (pictures) and ..._y.h5 (labels), as "
                "PCam has them; rename it, or give its pictures as files."
            )
        found.setdefault(match[1], {})[match[2].lower()] = path
    for stem, pair in found.items():
        if len(pair) == 1:
            there, lacking = next(iter(pair.values())).name, ({"x", "y"} - set(pair)).pop()
            raise DataError(f"'{there}' has no partner '{stem}_{lacking}.h5'; give both files.")
    return {stem: (pair["x"], pair["y"]) for stem, pair in found.items()}


def _only_array(path: Path) -> Any:
    """The only array in an HDF5 file, opened for reading."""
    try:
        file = h5py.File(path, "r")
        arrays = [item for item in file.values() if isinstance(item, h5py.Dataset)]
    except OSError as error:
        raise DataError(
            f"'{path.name}' is not a readable HDF5 file; unpack it first if it ends in .gz, or "
            "download it again."
        ) from error
    if len(arrays) != 1:
        raise DataError(f"'{path.name}' holds {len(arrays)} arrays; one is expected.")
    return arrays[0]


def _check_images(name: str, images: Any, labels: int) -> None:
    channels = images.shape[3] if len(images.shape) == 4 else 1
    if len(images.shape) not in (3, 4) or channels not in (1, 3) or images.dtype != np.uint8:
        raise DataError(
            f"'{name}' holds {images.dtype} of shape {images.shape}; pictures are uint8 of shape "
            "(n, height, width) or (n, height, width, 3)."
        )
    if len(images) != labels:
        raise DataError(f"'{name}' holds {len(images):,} pictures but {labels:,} labels.")


def _check_npz_size(path: Path) -> None:
    with zipfile.ZipFile(path) as file:
        if sum(member.file_size for member in file.infolist()) > _MAX_NPZ_BYTES:
            raise DataError(f"'{path.name}' unpacks to more than {_MAX_NPZ_BYTES // 10**9} GB.")


def _part_of(stem: str) -> int:
    """Position in `idc.datasets.splits.PARTS`; -1 if the name does not tell."""
    return next((part for word, part in _PARTS if word in stem.lower()), -1)


def _read_meta(stem: str, x: Path) -> list[dict[str, str]]:
    """The rows of ``STEM_meta.csv`` beside the pictures; [] without that file."""
    path = x.with_name(f"{stem}_meta.csv")
    if not path.exists():
        return []
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file, restval=""))


def _cases_and_places(
    tables: Sequence[list[dict[str, str]]], sizes: Sequence[int]
) -> tuple[list[str], np.ndarray | None]:
    """From tables with one row for each picture of each pair; empty if one is missing."""
    if [len(table) for table in tables] != list(sizes):
        return [], None
    rows = [row for table in tables for row in table]
    cases = [row["wsi"] for row in rows] if all("wsi" in row for row in rows) else []
    if not all({"coord_x", "coord_y"} <= set(row) for row in rows):
        return cases, None
    return cases, parse_places([(row["coord_x"], row["coord_y"]) for row in rows])


def _notes(cases: Sequence[str], part: np.ndarray | None) -> tuple[str, ...]:
    notes = []
    if cases:
        notes.append(f"{len(set(cases)):,} cases, from the table beside the pictures.")
    else:
        notes.append("The arrays do not tell which pictures are of one patient.")
    if part is not None:
        notes.append("The data set brings its own training, validation and test part.")
    return tuple(notes)
