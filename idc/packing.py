"""Pack zips and folders of patches into a `PatchStore`.

A zip is read in place, never unpacked to disk. `idc.store_writer` makes the store appear only when
it is whole.
"""

import struct
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

import cv2
import numpy as np

from idc.errors import DataError
from idc.patches import PATCH_SHAPE, PATCH_SIZE_PX, PatchName, parse_patch_name
from idc.sources import OpenSources, Source, UnreadableMember
from idc.store import PackReport, Progress
from idc.store_writer import Patch, StoreWriter

_MAX_SIDE_PX = 1000  # a larger picture under a patch's name is not a patch
_DAMAGED_NAMES_KEPT = 20
_BATCH = 512


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
