"""PatchStore: all patches of a data set in one memory-mapped array, with an index table.

A store is a folder ``data/<name>/``:

- ``patches.npy``: uint8 RGB, shape (n, side, side, 3), a plain NumPy file
- ``index.parquet``: one row per patch in the same order (case, x, y, label, height, width, and
  part where the data set brings its own split), sorted by case, then y, then x
- ``source.json``: what it was packed from, so that it can be packed again
- ``store.json``: format version, counts, checksums, the packing report, and the description of the
  data set (`idc.datasets.description`) where it is not the Kaggle set's

Packing (`idc.ingest.packing`) writes a hidden folder and renames it, so a store is complete or
absent.
"""

from __future__ import annotations

import functools
import hashlib
import io
import json
import mmap
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from idc.datasets.description import DataDescription
from idc.errors import DataError
from idc.files.atomic import json_bytes
from idc.files.home import data_dir
from idc.progress import ProgressCallback

if TYPE_CHECKING:
    import pandas as pd

FORMAT_VERSION = 1
PATCHES_FILE = "patches.npy"
INDEX_FILE = "index.parquet"
META_FILE = "store.json"
SOURCE_FILE = "source.json"  # what it was packed from: `idc.ingest.recorded_source`

INDEX_DTYPES = {
    "case": "int32",
    "x": "int32",
    "y": "int32",
    "label": "int8",
    "height": "int16",
    "width": "int16",
}
PART_COLUMN = "part"  # int8: position in `idc.datasets.splits.PARTS`, only in sets with parts

_FILES = (META_FILE, INDEX_FILE, PATCHES_FILE)
_OPEN_ATTEMPTS = 3  # while other processes replace the store

_NAME_PATTERN = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")


@dataclass(frozen=True)
class PackReport:
    """The result of packing."""

    sources: tuple[str, ...]
    second_copies: int = 0  # of a name; the first decodable copy is kept
    damaged: int = 0
    damaged_names: tuple[str, ...] = ()  # the first few
    foreign: int = 0  # files not named like a patch
    resized: int = 0  # of the Kaggle set: edge patches; else all of another size than the store
    generated: bool = False  # generated tissue, not from patients
    layout: str = ""  # what the files were recognised as; "" for the Kaggle set's
    notes: tuple[str, ...] = ()  # what to know about the packing, one sentence each

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> PackReport:
        """Parse the form that `dataclasses.asdict` returns."""
        return cls(
            **{
                **value,
                "sources": tuple(value["sources"]),
                "damaged_names": tuple(value["damaged_names"]),
                "notes": tuple(value.get("notes", ())),
            }
        )


@dataclass(frozen=True)
class PatchStore:
    """An opened store. Pixels are read on access.

    Attributes:
        columns: of the index, each of shape (n,): case int32, x int32, y int32, label int8 {0, 1},
            height int16, width int16 (the patch's size before it was brought to the side of the
            store); with ``description.has_parts`` also part int8.
        patches: uint8 RGB, shape (n, side, side, 3), a read-only memory map.
        report: the packing report.
        fingerprint: hex digest of pixels and index.
        description: size, scale, classes, cases and places.
    """

    name: str
    columns: Mapping[str, np.ndarray]
    patches: np.ndarray
    report: PackReport
    fingerprint: str
    description: DataDescription

    def __len__(self) -> int:
        return len(self.patches)

    @functools.cached_property
    def index(self) -> pd.DataFrame:
        """The columns as a table of n rows, created on first use."""
        import pandas as pd  # its import takes ten times as long as opening a store

        return pd.DataFrame(dict(self.columns))

    @property
    def labels(self) -> np.ndarray:
        """int8 {0, 1}, shape (n,)."""
        return self.columns["label"]

    @property
    def cases(self) -> np.ndarray:
        """int32, shape (n,): the case of each patch."""
        return self.columns["case"]

    def release_pages(self) -> None:
        """Remove the pixels read so far from this process's memory.

        They stay in the system's page cache, so reading them again is fast.
        """
        if isinstance(self.patches.base, mmap.mmap):
            self.patches.base.madvise(mmap.MADV_DONTNEED)


def check_store_name(name: str) -> str:
    """Check a store's name, which becomes a folder's name.

    Raises:
        DataError: the name is empty, too long, or has other characters than letters, digits, -, _.
    """
    if not _NAME_PATTERN.fullmatch(name):
        raise DataError(
            "A data set's name has 1 to 64 letters, digits, '-' or '_', and starts with a letter "
            f"or digit. Received: {name[:80]!r}"
        )
    return name


def list_stores() -> list[str]:
    """Names of all stores, also of damaged ones, in alphabetical order."""
    try:
        folders = list(data_dir().iterdir())
    except (FileNotFoundError, NotADirectoryError):
        return []
    return sorted(
        folder.name
        for folder in folders
        if _NAME_PATTERN.fullmatch(folder.name)
        and any((folder / file).exists() for file in _FILES)  # damaged ones may lack some
    )


def open_store(name: str) -> PatchStore:
    """Open a store without reading its pixels.

    If another packing replaces the store during the call, it is opened again, so that labels and
    pixels always belong to one packing.

    Raises:
        DataError: there is no such store, or it is unreadable; the sentence states what to do.
    """
    folder = data_dir() / check_store_name(name)
    for _ in range(_OPEN_ATTEMPTS):
        meta = read_meta(folder)
        try:
            store = _open_with_meta(name, meta)
        except DataError:
            if _is_unchanged(folder, meta):
                raise
        else:
            if _is_unchanged(folder, meta):
                return store
    raise DataError(f"The data set '{name}' is being replaced; try again in a few seconds.")


def _open_with_meta(name: str, meta: dict[str, Any]) -> PatchStore:
    """Open the files and compare all but the pixels with ``meta``."""
    folder = data_dir() / name
    try:
        index = (folder / INDEX_FILE).read_bytes()
        # Check the digest first: the reader may raise any exception on a damaged index.
        whole = hashlib.sha256(index).hexdigest() == meta["index_sha256"]
        description = DataDescription.from_json(meta.get("description"))
        header = npy_header(meta["patches"], description.side_px)
        whole = whole and _header_is_intact(folder / PATCHES_FILE, header)
        if not whole:
            raise _damaged_error(name)
        patches = np.load(folder / PATCHES_FILE, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError) as error:
        raise _damaged_error(name) from error
    report = PackReport.from_json(meta["report"])
    columns = _read_index(index, with_parts=description.has_parts)
    return PatchStore(name, columns, patches, report, _fingerprint(meta), description)


def verify_store(name: str, *, on_progress: ProgressCallback | None = None) -> tuple[int, int]:
    """Read every byte of a store and compare it with the checksums from packing.

    Args:
        on_progress: called with (bytes read, bytes in all).

    Returns:
        (patches, cases).

    Raises:
        DataError: a byte differs, or a file is missing.
    """
    store = open_store(name)  # checks all but the pixels
    folder = data_dir() / name
    try:
        meta = read_meta(folder)
        good = _pixels_are_intact(folder / PATCHES_FILE, meta, on_progress)
        # Compare bytes: JSON with other whitespace has the same value.
        good = good and (folder / META_FILE).read_bytes() == json_bytes(with_checksum(meta))
        good = good and _source_is_intact(folder / SOURCE_FILE)
    except OSError as error:
        raise _damaged_error(name) from error
    if not good:
        raise _damaged_error(name)
    return len(store), len(np.unique(store.cases))


def is_current(store: PatchStore) -> bool:
    """Whether an opened store is still the one on disk under its name.

    The file of the pixels must have its size: reading a memory map beyond the end of a file that
    was cut off ends the process.
    """
    folder = data_dir() / store.name
    size = len(npy_header(len(store), store.patches.shape[1])) + store.patches.nbytes
    try:
        whole = (folder / PATCHES_FILE).stat().st_size == size
        return whole and _fingerprint(read_meta(folder)) == store.fingerprint
    except (DataError, OSError):
        return False


def write_index(path: Path, columns: Mapping[str, np.ndarray]) -> None:
    """Write the index table."""
    import pyarrow as pa
    from pyarrow import parquet

    # From raw buffers: pyarrow's own conversions, here and in `_read_index`, import pandas.
    arrays = {
        name: pa.Array.from_buffers(
            getattr(pa, str(column.dtype))(), len(column), [None, pa.py_buffer(column)]
        )
        for name, column in columns.items()
    }
    parquet.write_table(pa.table(arrays), path)


def npy_header(count: int, side_px: int) -> bytes:
    """The header of ``patches.npy``; its length does not depend on the number of patches."""
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(
        header, {"descr": "|u1", "fortran_order": False, "shape": (count, side_px, side_px, 3)}
    )
    return header.getvalue()


def with_checksum(meta: dict[str, Any]) -> dict[str, Any]:
    """The content of ``store.json`` with a checksum of itself."""
    return {**meta, "self_sha256": _meta_digest(meta)}


def read_record(path: Path) -> dict[str, Any]:
    """Read JSON that was written with `with_checksum`, without the checksum.

    Raises:
        OSError, ValueError: it cannot be read, or is damaged.
    """
    record = json.loads(path.read_bytes())
    if not isinstance(record, dict) or record.pop("self_sha256", None) != _meta_digest(record):
        raise ValueError(f"'{path.name}' is damaged")
    return record


def read_meta(folder: Path) -> dict[str, Any]:
    """Read and check ``store.json``.

    Raises:
        DataError: the file is missing, damaged, or of another version.
    """
    try:
        meta = read_record(folder / META_FILE)
    except FileNotFoundError as error:
        if folder.name in list_stores():
            raise _damaged_error(folder.name) from error
        raise missing_error(folder.name) from error
    except (OSError, ValueError, RecursionError) as error:
        raise _damaged_error(folder.name) from error
    if meta["format"] != FORMAT_VERSION:
        raise DataError(
            f"The data set '{folder.name}' was packed by another version of IDC Lab; pack it again."
        )
    return meta


def report_json(report: PackReport) -> dict[str, Any]:
    """The JSON form of a report in ``store.json``."""
    return asdict(report)


def _read_index(content: bytes, *, with_parts: bool) -> dict[str, np.ndarray]:
    import pyarrow as pa
    from pyarrow import parquet

    table = parquet.ParquetFile(pa.BufferReader(content)).read(use_threads=False)
    dtypes = INDEX_DTYPES | ({PART_COLUMN: "int8"} if with_parts else {})
    return {
        name: np.concatenate([np.empty(0, dtype), *map(np.from_dlpack, table[name].chunks)])
        for name, dtype in dtypes.items()
    }


def _is_unchanged(folder: Path, meta: dict[str, Any]) -> bool:
    try:
        return read_meta(folder) == meta
    except DataError:
        return False


def _fingerprint(meta: dict[str, Any]) -> str:
    both = meta["pixels_sha256"] + meta["index_sha256"]
    return hashlib.sha256(both.encode()).hexdigest()


def _meta_digest(meta: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(meta, sort_keys=True).encode()).hexdigest()


def _header_is_intact(path: Path, header: bytes) -> bool:
    with path.open("rb") as file:
        return file.read(len(header)) == header


def _source_is_intact(path: Path) -> bool:
    """Whether the record of the source is as written; older stores have none."""
    if not path.exists():
        return True
    try:
        return path.read_bytes() == json_bytes(with_checksum(read_record(path)))
    except ValueError:
        return False


def _pixels_are_intact(
    path: Path, meta: dict[str, Any], on_progress: ProgressCallback | None
) -> bool:
    total = path.stat().st_size
    digest = hashlib.sha256()
    with path.open("rb") as file:
        side_px = DataDescription.from_json(meta.get("description")).side_px
        file.seek(len(npy_header(meta["patches"], side_px)))
        while block := file.read(8 * 2**20):
            digest.update(block)
            if on_progress:
                on_progress(file.tell(), total)
    return digest.hexdigest() == meta["pixels_sha256"]


def missing_error(name: str) -> DataError:
    """The error that there is no store of that name."""
    known = ", ".join(list_stores()) or "none yet"
    return DataError(
        f"There is no data set named '{name}' (existing: {known}); pack one first: "
        f"python -m idc pack ZIP_OR_FOLDER --name {name}"
    )


def _damaged_error(name: str) -> DataError:
    return DataError(f"The data set '{name}' is damaged on disk; pack it again from its source.")
