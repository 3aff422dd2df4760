"""Write a new `PatchStore`, atomically: it is whole or absent, whatever happens meanwhile.

The store grows in a hidden folder beside the others and is renamed when it is whole, so a killed or
failed writer leaves no store; what it left is swept away by the next one.
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

from idc.datasets.store import (
    FORMAT_VERSION,
    INDEX_DTYPES,
    INDEX_FILE,
    META_FILE,
    PATCHES_FILE,
    PackReport,
    check_store_name,
    npy_header,
    report_json,
    trash_path,
    with_checksum,
    write_index,
)
from idc.errors import DataError
from idc.files import atomic
from idc.files.home import data_dir
from idc.patches import PATCH_BYTES, PATCH_SHAPE, PATCH_SIZE_PX, PatchName

_LOCK_TIMEOUT_S = 0.2  # another packing may hold it for a moment, to clear what was left over
_LEFTOVER_SUFFIXES = ("packing", "replaced", "deleted")


@dataclass(frozen=True)
class Patch:
    """One decoded patch on its way into a store.

    Attributes:
        rgb: uint8 RGB, shape (50, 50, 3).
        height, width: its size in px before it was brought to 50x50.
    """

    name: PatchName
    rgb: np.ndarray
    height: int = PATCH_SIZE_PX
    width: int = PATCH_SIZE_PX


@dataclass(frozen=True)
class PatchBlock:
    """Some hundred decoded patches on their way into a store, without an object for each.

    Attributes:
        names: int32, shape (k, 4): case, y, x, label.
        pixels: uint8 RGB, shape (k, 50, 50, 3), contiguous.
        sizes: int16, shape (k, 2): height, width in px before they were brought to 50x50.
    """

    names: np.ndarray
    pixels: np.ndarray
    sizes: np.ndarray

    def __len__(self) -> int:
        return len(self.names)

    @classmethod
    def of(cls, patches: Sequence[Patch]) -> "PatchBlock":
        """The same patches as a block."""
        names = [(p.name.case, p.name.y, p.name.x, p.name.label) for p in patches]
        pixels = np.empty((len(patches), *PATCH_SHAPE), np.uint8)
        for row, patch in enumerate(patches):
            pixels[row] = patch.rgb
        sizes = [(patch.height, patch.width) for patch in patches]
        return cls(
            np.array(names, np.int32).reshape(-1, 4),
            pixels,
            np.array(sizes, np.int16).reshape(-1, 2),
        )


class StoreWriter:
    """Writes a new store; it appears under its name only at `finish`.

    Args:
        name: the store's name.
        most: the largest number of patches that may come, to check the free space beforehand.
        replace_existing: put it in the place of a store of that name.

    Raises:
        DataError: the name is taken, another packing of that name is running, the disk is full.
    """

    def __init__(self, name: str, max_patches: int, *, replace_existing: bool = False) -> None:
        self._target = data_dir() / check_store_name(name)
        self._replace_existing = replace_existing
        self._refuse_taken_name()
        self._folder = _packing_path(name)
        self._replaced = _replaced_path(name)
        self._lock = _lock(name)
        self._max_patches = max_patches
        self._hash = hashlib.sha256()
        self._blocks: list[np.ndarray] = []  # of the index, int32 (k, 6)
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
                f"The data set '{self._target.name}' is being packed already; wait for it."
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
        self.add_block(PatchBlock.of(patches))

    def add_block(self, block: PatchBlock) -> None:
        """Append patches; they come in the order of their names.

        Raises:
            DataError: the disk is full or fails.
        """
        self._blocks.append(np.concatenate([block.names, block.sizes], axis=1))
        self._count += len(block)
        pixels = block.pixels.reshape(-1).data
        self._hash.update(pixels)
        try:
            self._pixels.write(pixels)
        except OSError as error:
            raise _write_error(error) from error

    def finish(self, report: PackReport) -> PackReport:
        """Complete the store and put it in its place.

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
        self._refuse_taken_name()  # again: another packing may have ended before the lock was ours
        needed = self._max_patches * PATCH_BYTES
        free = shutil.disk_usage(data_dir()).free
        if needed > free:
            raise DataError(
                f"The disk is too full: {self._max_patches:,} patches need {needed / 1e6:,.0f} "
                "MB and "
                f"{free / 1e6:,.0f} MB are free in '{data_dir()}'. Make room, or set IDC_HOME to a "
                "folder on a larger disk."
            )
        self._folder.mkdir()
        self._pixels = (self._folder / PATCHES_FILE).open("wb")
        self._pixels.write(npy_header(0))

    def _complete(self, report: PackReport) -> None:
        self._pixels.seek(0)
        self._pixels.write(npy_header(self.count))
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
        return {
            name: np.ascontiguousarray(column, INDEX_DTYPES[name])
            for name, column in columns.items()
        }

    def _clean_up(self) -> None:
        if hasattr(self, "_pixels"):
            with contextlib.suppress(OSError):  # a full disk refuses what is still in the buffer
                self._pixels.close()
        shutil.rmtree(self._folder, ignore_errors=True)
        self._lock.release()


def _packing_path(name: str) -> Path:
    return data_dir() / f".{name}.packing"


def _replaced_path(name: str) -> Path:
    """The old store while the new one takes its place."""
    return data_dir() / f".{name}.replaced"


def _lock(name: str) -> FileLock:
    return FileLock(data_dir() / f".{name}.lock")


def _remove_leftovers(name: str) -> None:
    """Remove what a killed packing or deletion left of a store, whose lock must be held."""
    target, growing, moved_aside = data_dir() / name, _packing_path(name), _replaced_path(name)
    if moved_aside.exists() and not target.exists():
        moved_aside.rename(target)  # killed between its two renames
    for left_over in (growing, moved_aside, trash_path(name)):
        shutil.rmtree(left_over, ignore_errors=True)


def _remove_idle_leftovers() -> None:
    """The same for every store that nobody packs now: gigabytes that no one else would remove."""
    for path in (path for end in _LEFTOVER_SUFFIXES for path in data_dir().glob(f".*.{end}")):
        name = path.stem.removeprefix(".")
        with contextlib.suppress(Timeout), _lock(name).acquire(timeout=0):
            _remove_leftovers(name)


def _write_error(error: OSError) -> DataError:
    return DataError(
        f"The data set could not be written to '{data_dir()}' ({error.strerror or error}); make "
        "room or check the folder's rights, then pack again."
    )
