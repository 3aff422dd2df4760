"""Pack zips and folders of patches into a `PatchStore`.

A zip is read in place, never unpacked to disk, on all cores: reading, unpacking and decoding
release the GIL, so threads suffice. Only a few batches are in memory at a time. The store appears
when it is complete (`idc.datasets.store_writer`).
"""

import math
import os
import struct
from collections import Counter
from collections.abc import Generator, Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np

from idc.datasets.store import PackReport
from idc.datasets.store_writer import PatchBlock, StoreWriter
from idc.errors import DataError
from idc.files.sources import OpenSources, Source, UnreadableMember
from idc.imaging.rescaling import to_patch_size
from idc.ingest.layouts.plan import PackOptions
from idc.ingest.listing import PatchListing, list_patches
from idc.ingest.recorded_source import record_paths
from idc.patches import MPP_UM, PATCH_SHAPE, PATCH_SIZE_PX, PatchName
from idc.processes.prefetch import map_ahead
from idc.progress import ProgressCallback

_MAX_SIDE_PX = 1000  # a larger image is not a patch
_MAX_DAMAGED_NAMES = 20
_PNG_HEADER = struct.Struct(">8s8x2I")  # signature, width, height
_BATCH_SIZE = 512
_MAX_THREADS = 8  # more would wait for the GIL between their calls


def pack(
    paths: Iterable[Path | str],
    name: str,
    *,
    replace_existing: bool = False,
    on_progress: ProgressCallback | None = None,
) -> PackReport:
    """Pack zips and folders into the store ``name``.

    A patch's name gives its case, place and label. Of several files with one name the first
    decodable one is kept. Patches of another size are resized to 50x50 (bilinear, as in the
    notebook).

    Args:
        on_progress: called with (names done, names in all). An exception in it ends the packing
            without a trace.

    Raises:
        DataError: a source is unreadable or holds no patch, the store exists, or the disk is full.
    """
    source_paths = [Path(path) for path in paths]
    with OpenSources(source_paths) as sources:
        listing = list_patches(sources, [source.label for source in sources])
        if not len(listing):
            raise DataError(
                f"There is no patch in {', '.join(repr(s.label) for s in sources)}: no file is "
                "named like 8863_idx5_x451_y1451_class0.png. Choose the data set's zip, or the "
                "folder that it was unpacked to."
            )
        report = pack_listing(
            sources, listing, name, replace_existing=replace_existing, on_progress=on_progress
        )
    record_paths(name, source_paths, PackOptions())
    return report


def pack_listing(
    sources: Sequence[Source],
    listing: PatchListing,
    name: str,
    *,
    replace_existing: bool = False,
    on_progress: ProgressCallback | None = None,
) -> PackReport:
    """Pack listed patches; arguments and errors as of `pack`."""
    with (
        StoreWriter(name, len(listing), replace_existing=replace_existing) as writer,
        closing(_decode_all(listing, sources)) as batches,
    ):
        found = _PackCounts()
        for batch in batches:
            writer.add_block(batch.block)
            found.add(batch)
            if on_progress:
                on_progress(found.names, len(listing))
        if not writer.count:
            raise DataError(
                f"None of the {len(listing):,} patches could be decoded: the source is "
                "damaged, so download it again."
            )
        return writer.finish(found.report(listing, sources))


def decode_patch(data: bytes) -> np.ndarray | None:
    """Decode a PNG of the data set.

    Returns:
        uint8 RGB, shape (height, width, 3); None if it is not a complete PNG of at most
        1000 px per side.
    """
    # Check the header first: OpenCV allocates the size that it declares.
    if len(data) < _PNG_HEADER.size:
        return None
    signature, width, height = _PNG_HEADER.unpack_from(data)
    if signature != b"\x89PNG\r\n\x1a\n":
        return None
    if not (0 < width <= _MAX_SIDE_PX and 0 < height <= _MAX_SIDE_PX):
        return None
    return cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR_RGB)


@dataclass(frozen=True)
class _Batch:
    """Decoded patches, and the names (case, y, x, label) of undecodable ones."""

    block: PatchBlock
    damaged: np.ndarray  # int32, shape (damaged, 4)


def judge_sizes(sizes: Mapping[tuple[int, int], int]) -> tuple[int, str]:
    """Tell patches at a slide's edge from those of another scale.

    An edge patch is smaller than 50x50 px. A larger one is none; nor is any where no side of any
    patch has 50 px.

    Args:
        sizes: (height, width) in px -> number of patches.

    Returns:
        the number of edge patches; a sentence about the others, "" if all have 50x50 px.
    """
    resized = {size: n for size, n in sizes.items() if size != PATCH_SHAPE[:2]}
    on_scale = any(PATCH_SIZE_PX in size for size in sizes)
    other = {size: n for size, n in resized.items() if not on_scale or max(size) > PATCH_SIZE_PX}
    edge_patches = sum(resized.values()) - sum(other.values())
    if not other:
        return edge_patches, ""
    smallest, largest = min(other, key=math.prod), max(other, key=math.prod)
    spread = " to ".join(dict.fromkeys(f"{w}x{h}" for h, w in (smallest, largest)))
    count, side = sum(other.values()), PATCH_SIZE_PX
    patches = "1 patch" if count == 1 else f"{count:,} patches"
    return edge_patches, (
        f"{patches} of {spread} px, resized to {side}x{side} px: their scale is "
        f"probably not {MPP_UM:g} µm per pixel, at which the model works."
    )


class _PackCounts:
    """The counts for the report."""

    def __init__(self) -> None:
        self.names = self._damaged = 0
        self._sizes: Counter[tuple[int, int]] = Counter()
        self._damaged_names: list[str] = []

    def add(self, batch: _Batch) -> None:
        self.names += len(batch.block) + len(batch.damaged)
        self._sizes.update(map(tuple, batch.block.sizes.tolist()))
        self._damaged += len(batch.damaged)
        room = _MAX_DAMAGED_NAMES - len(self._damaged_names)
        self._damaged_names += [PatchName(*n).file_name() for n in batch.damaged[:room].tolist()]

    def report(self, listing: PatchListing, sources: Sequence[Source]) -> PackReport:
        edge_patches, size_note = judge_sizes(self._sizes)
        return PackReport(
            sources=tuple(source.label for source in sources),
            second_copies=listing.second_copies,
            damaged=self._damaged,
            damaged_names=tuple(self._damaged_names),
            foreign=listing.foreign,
            resized=edge_patches,
            notes=tuple(filter(None, (size_note, listing.conflict_note()))),
        )


def _decode_all(listing: PatchListing, sources: Sequence[Source]) -> Generator[_Batch, None, None]:
    """All batches in order, decoded a few ahead of the consumer."""
    threads = min(os.cpu_count() or 1, _MAX_THREADS)
    starts = range(0, len(listing), _BATCH_SIZE)
    batches = (range(start, min(start + _BATCH_SIZE, len(listing))) for start in starts)
    decode = partial(_decode_batch, listing, sources)
    return map_ahead(decode, batches, threads=threads, ahead=2 * threads)


def _decode_batch(listing: PatchListing, sources: Sequence[Source], rows: range) -> _Batch:
    names = listing.names[rows.start : rows.stop]
    pixels = np.empty((len(rows), *PATCH_SHAPE), np.uint8)
    sizes = []
    starts = listing.starts[rows.start : rows.stop + 1]
    copies = listing.copies[starts[0] : starts[-1]].tolist()
    for row, (first, end) in enumerate(pairwise((starts - starts[0]).tolist())):
        image = _first_decodable(copies[first:end], sources)
        if image is None:
            sizes.append((0, 0))
        else:
            sizes.append(image.shape[:2])
            pixels[row] = to_patch_size(image)
    size = np.array(sizes, np.int16)
    valid = size[:, 0] > 0
    if valid.all():
        return _Batch(PatchBlock(names, pixels, size), names[:0])
    return _Batch(PatchBlock(names[valid], pixels[valid], size[valid]), names[~valid])


def _first_decodable(copies: list[list[int]], sources: Sequence[Source]) -> np.ndarray | None:
    """The first readable and decodable copy. uint8 RGB, shape (height, width, 3)."""
    for source, number in copies:
        try:
            image = decode_patch(sources[source].read(number))
        except UnreadableMember:
            continue
        if image is not None:
            return image
    return None
