"""Write a new `PatchStore` atomically: it is complete or absent.

The store is written to a hidden folder and renamed when complete. A killed or failed writer leaves
no store; the next writer removes its leftovers.
"""

import contextlib
import hashlib
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

import numpy as np
from filelock import FileLock, Timeout

from idc.datasets.description import KAGGLE_DESCRIPTION, DataDescription
from idc.datasets.store import (
    FORMAT_VERSION,
    INDEX_DTYPES,
    INDEX_FILE,
    META_FILE,
    PART_COLUMN,
    PATCHES_FILE,
    PackReport,
    check_store_name,
    npy_header,
    report_json,
    with_checksum,
    write_index,
)
from idc.errors import DataError
from idc.files import atomic
from idc.files.home import data_dir
from idc.patches import PATCH_SIZE_PX, PatchName
from idc.wording import format_bytes

_LOCK_TIMEOUT_S = 0.2  # another packing holds it briefly to remove leftovers
_LEFTOVER_SUFFIXES = ("packing", "replaced", "deleted")


@dataclass(frozen=True)
class Patch:
    """One decoded patch to add to a store.

    Attributes:
        rgb: uint8 RGB, shape (side, side, 3).
        height, width: original size in px, before resizing to the side of the store.
    """

    name: PatchName
    rgb: np.ndarray
    height: int = PATCH_SIZE_PX
    width: int = PATCH_SIZE_PX


@dataclass(frozen=True)
class PatchBlock:
    """Some hundred decoded patches to add to a store, in arrays.

    Attributes:
        names: int32, shape (k, 4): case, y, x, label.
        pixels: uint8 RGB, shape (k, side, side, 3), contiguous.
        sizes: int16, shape (k, 2): original height, width in px, before resizing to the side.
        parts: int8, shape (k,): positions in `idc.datasets.splits.PARTS`, for a data set with its
            own parts.
    """

    names: np.ndarray
    pixels: np.ndarray
    sizes: np.ndarray
    parts: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.names)

    @classmethod
    def from_patches(cls, patches: Sequence[Patch]) -> "PatchBlock":
        """Combine patches into a block."""
        names = [(p.name.case, p.name.y, p.name.x, p.name.label) for p in patches]
        pixels = np.stack([patch.rgb for patch in patches]).astype(np.uint8, copy=False)
        sizes = [(patch.height, patch.width) for patch in patches]
        return cls(
            np.array(names, np.int32).reshape(-1, 4),
            pixels,
            np.array(sizes, np.int16).reshape(-1, 2),
        )


class StoreWriter:
    """Writes a new store, which appears under its name at `finish`.

    Args:
        name: the store's name.
        max_patches: maximum number of patches, for the check of the free space.
        replace_existing: replace a store of that name.
        description: of the data set.

    Raises:
        DataError: the name is taken, another packing of that name runs, or the disk is too full.
    """

    def __init__(
        self,
        name: str,
        max_patches: int,
        *,
        replace_existing: bool = False,
        description: DataDescription = KAGGLE_DESCRIPTION,
    ) -> None:
        self._target = data_dir() / check_store_name(name)
        self._replace_existing = replace_existing
        self._description = description
        self._refuse_taken_name()
        self._folder = _packing_path(name)
        self._replaced = _replaced_path(name)
        self._lock = store_lock(name)
        self._max_patches = max_patches
        self._hash = hashlib.sha256()
        self._blocks: list[np.ndarray] = []  # of the index, int32 (k, 6)
        self._parts: list[np.ndarray] = []
        self._count = 0

    @property
    def count(self) -> int:
        """Patches written so far."""
        return self._count

    def __enter__(self) -> "StoreWriter":
        try:
            data_dir().mkdir(parents=True, exist_ok=True)
            self._lock.acquire(timeout=_LOCK_TIMEOUT_S)
        except Timeout as error:
            raise DataError(
                f"The data set '{self._target.name}' is already being packed; wait for it."
            ) from error
        except OSError as error:
            raise _write_error(error) from error
        try:
            self._open()
        except OSError as error:
            self._clean_up()
            raise _write_error(error) from error
        except DataError:
            self._clean_up()
            raise
        return self

    def add(self, patches: Sequence[Patch]) -> None:
        """Append patches; they come in the order of their names.

        Raises:
            DataError: the disk is full or fails.
        """
        self.add_block(PatchBlock.from_patches(patches))

    def add_block(self, block: PatchBlock) -> None:
        """Append patches; they come in the order of their names.

        Raises:
            DataError: the disk is full or fails.
        """
        self._blocks.append(np.concatenate([block.names, block.sizes], axis=1))
        if self._description.has_parts:
            assert block.parts is not None, "a data set with parts needs the part of each patch"
            self._parts.append(block.parts)
        self._count += len(block)
        pixels = block.pixels.reshape(-1).data
        self._hash.update(pixels)
        try:
            self._pixels.write(pixels)
        except OSError as error:
            raise _write_error(error) from error

    def finish(self, report: PackReport) -> PackReport:
        """Complete the store and rename it into place.

        Raises:
            DataError: the disk is full or fails.
        """
        try:
            self._complete(report)
        except OSError as error:
            raise _write_error(error) from error
        return report

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._clean_up()

    def _refuse_taken_name(self) -> None:
        if self._target.exists() and not self._replace_existing:
            raise DataError(
                f"There is a data set named '{self._target.name}' already; choose another name, "
                "or replace it."
            )

    def _open(self) -> None:
        _remove_leftovers(self._target.name)
        _remove_idle_leftovers()
        self._refuse_taken_name()  # again, now with the lock
        needed = self._max_patches * self._description.patch_bytes
        free = shutil.disk_usage(data_dir()).free
        if needed > free:
            raise DataError(
                f"The disk is too full: {self._max_patches:,} patches need {format_bytes(needed)} "
                f"and {format_bytes(free)} are free in '{data_dir()}'. Free some space, or set "
                "IDC_HOME to a folder on a larger disk."
            )
        self._folder.mkdir()
        self._pixels = (self._folder / PATCHES_FILE).open("wb")
        self._pixels.write(npy_header(0, self._description.side_px))

    def _complete(self, report: PackReport) -> None:
        self._pixels.seek(0)
        self._pixels.write(npy_header(self.count, self._description.side_px))
        self._pixels.close()
        write_index(self._folder / INDEX_FILE, self._index())
        for file in (PATCHES_FILE, INDEX_FILE):
            atomic.sync_file(self._folder / file)
        meta = {
            "format": FORMAT_VERSION,
            "patches": self.count,
            "pixels_sha256": self._hash.hexdigest(),
            "index_sha256": atomic.file_sha256(self._folder / INDEX_FILE),
            "report": report_json(report),
        }
        if self._description != KAGGLE_DESCRIPTION:  # older versions read the Kaggle set's stores
            meta["description"] = self._description.to_json()
        atomic.replace_json(self._folder / META_FILE, with_checksum(meta))
        if self._target.exists():
            self._target.rename(self._replaced)
        self._folder.rename(self._target)
        atomic.sync_folder(data_dir())
        shutil.rmtree(self._replaced, ignore_errors=True)

    def _index(self) -> dict[str, np.ndarray]:
        empty = np.empty((0, 6), np.int32)
        case, y, x, label, height, width = np.concatenate([empty, *self._blocks]).T
        columns = {"case": case, "x": x, "y": y, "label": label, "height": height, "width": width}
        index = {
            name: np.ascontiguousarray(column, INDEX_DTYPES[name])
            for name, column in columns.items()
        }
        if self._description.has_parts:
            index[PART_COLUMN] = np.concatenate([np.empty(0, np.int8), *self._parts])
        return index

    def _clean_up(self) -> None:
        if hasattr(self, "_pixels"):
            with contextlib.suppress(OSError):  # on a full disk the buffer cannot be flushed
                self._pixels.close()
        shutil.rmtree(self._folder, ignore_errors=True)
        self._lock.release()


def _packing_path(name: str) -> Path:
    return data_dir() / f".{name}.packing"


def _replaced_path(name: str) -> Path:
    """The folder of the old store while it is being replaced."""
    return data_dir() / f".{name}.replaced"


def store_lock(name: str) -> FileLock:
    """The lock of whoever packs or deletes the store."""
    return FileLock(data_dir() / f".{name}.lock")


def _remove_leftovers(name: str) -> None:
    """Remove leftovers of a killed packing or deletion. The store's lock must be held."""
    target, growing, moved_aside = data_dir() / name, _packing_path(name), _replaced_path(name)
    if moved_aside.exists() and not target.exists():
        moved_aside.rename(target)  # killed between its two renames
    for left_over in (growing, moved_aside, data_dir() / f".{name}.deleted"):
        shutil.rmtree(left_over, ignore_errors=True)


def _remove_idle_leftovers() -> None:
    """Remove the leftovers, possibly gigabytes, of every store that is not being packed."""
    for path in (path for end in _LEFTOVER_SUFFIXES for path in data_dir().glob(f".*.{end}")):
        name = path.stem.removeprefix(".")
        with contextlib.suppress(Timeout), store_lock(name).acquire(timeout=0):
            _remove_leftovers(name)


def _write_error(error: OSError) -> DataError:
    return DataError(
        f"The data set could not be written to '{data_dir()}' ({error.strerror or error}); free "
        "some space or check the folder's permissions, then pack again."
    )
