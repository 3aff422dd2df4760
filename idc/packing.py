"""Pack zips, folders or generated tissue into a `PatchStore`, atomically.

A zip is read in place. The new store grows in a hidden folder beside the others and is renamed
when it is whole, so a killed or failed packing leaves no store; what it left is swept away by the
next one.
"""

import contextlib
import hashlib
import shutil
import struct
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from types import TracebackType

import cv2
import numpy as np
import pandas as pd
from filelock import FileLock, Timeout

from idc import durable
from idc.errors import DataError
from idc.home import data_dir
from idc.patches import PATCH_SHAPE, PATCH_SIZE_PX, PatchName, parse_patch_name
from idc.sources import OpenSources, Source, UnreadableMember
from idc.store import (
    FORMAT,
    INDEX_DTYPES,
    INDEX_FILE,
    META_FILE,
    PATCHES_FILE,
    PackReport,
    Progress,
    check_store_name,
    npy_header,
    report_json,
    sealed,
)

_BYTES_A_PATCH = PATCH_SIZE_PX * PATCH_SIZE_PX * 3
_MAX_SIDE_PX = 1000  # a larger picture under a patch's name is not a patch
_DAMAGED_NAMES_KEPT = 20
_BATCH = 512


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


def pack(
    paths: Iterable[Path | str],
    name: str,
    *,
    replace_existing: bool = False,
    on_progress: Progress | None = None,
) -> PackReport:
    """Pack zips and folders into the store ``name``.

    A patch's name decides its case, place and label. Of several files with one name the first that
    decodes is kept. Patches of another size are resized to 50x50 (bilinear, as the notebook does).

    Args:
        on_progress: called with (names done, names in all).

    Raises:
        DataError: a source cannot be read or holds no patch, the store exists, the disk is full.
    """
    with OpenSources([Path(path).expanduser() for path in paths]) as sources:
        listing = _list_patches(sources)
        if not listing.copies:
            raise DataError(
                f"There is no patch inside {', '.join(repr(s.label) for s in sources)}: no file is "
                "named like 8863_idx5_x451_y1451_class0.png. Choose the data set's zip, or the "
                "folder that it was unpacked to."
            )
        with StoreWriter(name, len(listing.copies), replace_existing=replace_existing) as writer:
            names = sorted(listing.copies)
            for start in range(0, len(names), _BATCH):
                batch = names[start : start + _BATCH]
                writer.add([p for p in _decode_batch(batch, listing) if p is not None])
                if on_progress:
                    on_progress(start + len(batch), len(names))
            if not writer.count:
                raise DataError(
                    f"None of the {len(listing.copies):,} patches inside could be decoded; the "
                    "source is damaged, so get it again."
                )
            return writer.finish(listing.report())


class StoreWriter:
    """Writes a new store; it appears under its name only at `finish`.

    Args:
        name: the store's name.
        most: the largest number of patches that may come, to check the free space beforehand.
        replace_existing: put it in the place of a store of that name.

    Raises:
        DataError: the name is taken, another packing of that name is running, the disk is full.
    """

    def __init__(self, name: str, most: int, *, replace_existing: bool = False) -> None:
        self._target = data_dir() / check_store_name(name)
        self._replace_existing = replace_existing
        self._refuse_taken_name()
        self._folder = data_dir() / f".{name}.packing"
        self._replaced = data_dir() / f".{name}.replaced"
        self._lock = FileLock(data_dir() / f".{name}.lock")
        self._most = most
        self._hash = hashlib.sha256()
        self._columns: list[tuple[int, int, int, int, int, int]] = []

    @property
    def count(self) -> int:
        """Patches written so far."""
        return len(self._columns)

    def __enter__(self) -> "StoreWriter":
        try:
            data_dir().mkdir(parents=True, exist_ok=True)
            self._lock.acquire(timeout=0)
        except Timeout as error:
            raise DataError(
                f"The data set '{self._target.name}' is being packed already; wait for it."
            ) from error
        except OSError as error:
            raise _write_failed(error) from error
        try:
            self._open()
        except OSError as error:
            self._clean()
            raise _write_failed(error) from error
        except DataError:
            self._clean()
            raise
        return self

    def add(self, patches: list[Patch]) -> None:
        """Append patches; they come in the order of their names.

        Raises:
            DataError: the disk is full or fails.
        """
        for patch in patches:
            name = patch.name
            self._columns.append((name.case, name.x, name.y, name.label, patch.height, patch.width))
        block = b"".join(np.ascontiguousarray(patch.rgb).tobytes() for patch in patches)
        self._hash.update(block)
        try:
            self._pixels.write(block)
        except OSError as error:
            raise _write_failed(error) from error

    def finish(self, report: PackReport) -> PackReport:
        """Complete the store and put it in its place.

        Raises:
            DataError: the disk is full or fails.
        """
        try:
            self._complete(report)
        except OSError as error:
            raise _write_failed(error) from error
        return report

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._clean()

    def _refuse_taken_name(self) -> None:
        if self._target.exists() and not self._replace_existing:
            raise DataError(
                f"There is a data set named '{self._target.name}' already; choose another name, "
                "or replace it."
            )

    def _open(self) -> None:
        if self._replaced.exists() and not self._target.exists():
            self._replaced.rename(self._target)  # a packing was killed between its two renames
        self._refuse_taken_name()  # again: another packing may have ended before the lock was ours
        for left_over in (self._folder, self._replaced):
            shutil.rmtree(left_over, ignore_errors=True)
        needed = self._most * _BYTES_A_PATCH
        free = shutil.disk_usage(data_dir()).free
        if needed > free:
            raise DataError(
                f"The disk is too full: {self._most:,} patches need {needed / 1e6:,.0f} MB and "
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
        index = pd.DataFrame(self._columns, columns=list(INDEX_DTYPES)).astype(INDEX_DTYPES)
        index.to_parquet(self._folder / INDEX_FILE, index=False)
        for file in (PATCHES_FILE, INDEX_FILE):
            durable.sync_file(self._folder / file)
        meta = {
            "format": FORMAT,
            "patches": self.count,
            "pixels_sha256": self._hash.hexdigest(),
            "index_sha256": durable.file_sha256(self._folder / INDEX_FILE),
            "report": report_json(report),
        }
        durable.replace_json(self._folder / META_FILE, sealed(meta))
        if self._target.exists():
            self._target.rename(self._replaced)
        self._folder.rename(self._target)
        durable.sync_folder(data_dir())
        shutil.rmtree(self._replaced, ignore_errors=True)

    def _clean(self) -> None:
        if hasattr(self, "_pixels"):
            with contextlib.suppress(OSError):  # a full disk refuses what is still in the buffer
                self._pixels.close()
        shutil.rmtree(self._folder, ignore_errors=True)
        self._lock.release()


def decode_patch(data: bytes) -> np.ndarray | None:
    """Decode a PNG of the data set.

    Returns:
        uint8 RGB, shape (height, width, 3); None when it is not a whole PNG of at most
        1000 px a side.
    """
    # OpenCV would allocate whatever the header declares, so look at the header first.
    if data[:8] != b"\x89PNG\r\n\x1a\n" or len(data) < 24:
        return None
    width, height = struct.unpack(">II", data[16:24])
    if not (0 < width <= _MAX_SIDE_PX and 0 < height <= _MAX_SIDE_PX):
        return None
    bgr = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    return None if bgr is None else cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB)


def to_patch_size(rgb: np.ndarray) -> np.ndarray:
    """Bring an image to 50x50 px.

    Args:
        rgb: uint8 RGB, shape (height, width, 3).

    Returns:
        uint8 RGB, shape (50, 50, 3): bilinear, as the notebook does; by area when it shrinks to
        half or less, where bilinear would skip pixels.
    """
    if rgb.shape == PATCH_SHAPE:
        return rgb
    shrinks = min(rgb.shape[:2]) >= 2 * PATCH_SIZE_PX
    how = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    return cv2.resize(rgb, (PATCH_SIZE_PX, PATCH_SIZE_PX), interpolation=how)


@dataclass
class _Listing:
    """The patches' names in the sources, each with all its copies, and what else was met."""

    sources: list[Source]
    copies: dict[PatchName, list[tuple[Source, str]]] = field(default_factory=dict)
    second_copies: int = 0
    foreign: int = 0
    resized: int = 0
    damaged: int = 0
    damaged_names: list[str] = field(default_factory=list)

    def report(self) -> PackReport:
        return PackReport(
            sources=tuple(source.label for source in self.sources),
            second_copies=self.second_copies,
            damaged=self.damaged,
            damaged_names=tuple(self.damaged_names),
            foreign=self.foreign,
            resized=self.resized,
        )


def _list_patches(sources: list[Source]) -> _Listing:
    listing = _Listing(sources)
    for source in sources:
        for inner in source.names():
            name = parse_patch_name(PurePosixPath(inner).name)
            if name is None:
                listing.foreign += 1
            elif name in listing.copies:
                listing.copies[name].append((source, inner))
                listing.second_copies += 1
            else:
                listing.copies[name] = [(source, inner)]
    return listing


def _decode_batch(names: list[PatchName], listing: _Listing) -> Iterator[Patch | None]:
    # Reading holds one zip's lock; decoding runs beside it, since OpenCV lets go of the GIL.
    with ThreadPoolExecutor(max_workers=2) as pool:
        images = pool.map(decode_patch, (_first_bytes(listing.copies[n]) for n in names))
        for name, image in zip(names, images, strict=True):
            if image is None:
                image = _from_another_copy(listing.copies[name])
            if image is None:
                listing.damaged += 1
                if len(listing.damaged_names) < _DAMAGED_NAMES_KEPT:
                    listing.damaged_names.append(name.file_name())
                yield None
                continue
            height, width = image.shape[:2]
            listing.resized += image.shape != PATCH_SHAPE
            yield Patch(name, to_patch_size(image), height, width)


def _first_bytes(copies: list[tuple[Source, str]]) -> bytes:
    source, inner = copies[0]
    try:
        return source.read(inner)
    except UnreadableMember:
        return b""


def _from_another_copy(copies: list[tuple[Source, str]]) -> np.ndarray | None:
    for copy in copies[1:]:
        image = decode_patch(_first_bytes([copy]))
        if image is not None:
            return image
    return None


def _write_failed(error: OSError) -> DataError:
    return DataError(
        f"The data set could not be written to '{data_dir()}' ({error.strerror or error}); make "
        "room or check the folder's rights, then pack again."
    )
