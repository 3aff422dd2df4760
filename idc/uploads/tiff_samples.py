"""The samples of a TIFF page as 8-bit arrays, strip by strip or tile by tile.

Used in decoder processes only, by `idc.uploads.tiff_image` and `idc.large_images.tiff_slide`. A
strip is reduced to 8 bit as soon as it is decoded, so that an image of 16 bit needs little more
memory than one of 8.
"""

import math
from collections.abc import Iterator

import numpy as np
from tifffile import TIFF, TiffPage

from idc.uploads.pixel_conversion import DAMAGED, RANGE_UNKNOWN, Refusal
from idc.uploads.tiff_codecs import JPEG, NONE, OLD_JPEG
from idc.uploads.tiff_layout import MIN_IS_WHITE, PALETTE, YCBCR, Layout, refusal

_COLOUR_MAP, _LUMA_COEFFICIENTS, _REFERENCE_BLACK_WHITE = 320, 529, 532  # tags
_LUMA_DEFAULT = (299, 1000, 587, 1000, 114, 1000)
_REFERENCE_DEFAULT = (0, 1, 255, 1, 128, 1, 255, 1, 128, 1, 255, 1)
_READ_BYTES = 2**22  # at once
_BLOCK_PIXELS = 2**20

Box = tuple[int, int, int, int]  # left, top, right, bottom in px
Segment = tuple[int, int, int, np.ndarray]  # plane, first row, first column, (rows, columns, n)


def read_samples(page: TiffPage, layout: Layout) -> tuple[np.ndarray, np.ndarray | None]:
    """Decode a page.

    Returns:
        colours: uint8, shape (height, width, 1, 3 or 4): grey, RGB, or CMYK with 255 as full ink.
        alpha: uint8, shape (height, width), not multiplied into the colours; None without.

    Raises:
        Refusal: strips or tiles are missing, incomplete or of another kind than the tags say.
    """
    check_segments(page, layout)
    return read_box(page, layout, (0, 0, page.imagewidth, page.imagelength))


def read_box(
    page: TiffPage, layout: Layout, box: Box, indices: tuple[int, ...] | None = None
) -> tuple[np.ndarray, np.ndarray | None]:
    """Decode a part of a page that `check_segments` has checked; returns as `read_samples`.

    Args:
        box: bounded by edges of strips or tiles, or of the page.
        indices: numbers of the strips or tiles in it; None for all.
    """
    left0, top0, right0, bottom0 = box
    height, width = bottom0 - top0, right0 - left0
    table, plain = _table(page, layout), _scale(layout.bits)
    is_same = layout.bits == 8 and np.array_equal(table, np.arange(256))
    n_out = table.shape[1] if table.ndim == 2 else layout.n_colours
    colours = np.empty((height, width, n_out), np.uint8)
    alpha = None if layout.alpha is None else np.empty((height, width), np.uint8)
    for plane, top, left, values in _segments(page, layout, indices):
        top, left = top - top0, left - left0
        values = values.view(np.uint8) if values.dtype == bool else values  # else a mask below
        _check_values(values, layout.bits)
        place = (slice(top, top + values.shape[0]), slice(left, left + values.shape[1]))
        n_used = min(values.shape[2], layout.n_colours - plane)  # of a plane with alpha: none
        if n_used > 0 and table.ndim == 2:
            colours[place] = table[values[..., 0]]
        elif n_used > 0:
            used = values[..., :n_used]
            colours[(*place, slice(plane, plane + n_used))] = used if is_same else table[used]
        if alpha is not None and layout.alpha is not None:
            index = layout.alpha - plane
            if 0 <= index < values.shape[2]:
                alpha[place] = plain[values[..., index]]
    if alpha is not None and layout.is_premultiplied:
        _divide_by_alpha(colours, alpha)
    if layout.photometric == YCBCR:
        _to_rgb(colours, page)
    return colours, alpha


def check_segments(page: TiffPage, layout: Layout) -> None:
    """Check that each strip or tile is in the file; libraries leave missing ones black."""
    n_needed, size = math.prod(page.chunked), page.parent.filehandle.size
    offsets, counts = page.dataoffsets[:n_needed], page.databytecounts[:n_needed]
    if len(offsets) < n_needed or len(counts) < n_needed:
        raise Refusal(DAMAGED)
    if not all(offsets) or not all(counts):
        raise refusal("has strips or tiles without data")
    if page.compression == NONE:  # some programs count more bytes than there are
        n_bytes = [_stored_bytes(page, layout, index) for index in range(n_needed)]
        if any(count < stored for count, stored in zip(counts, n_bytes, strict=True)):
            raise Refusal(DAMAGED)
        counts = page.databytecounts = tuple(n_bytes)
    if any(offset + count > size for offset, count in zip(offsets, counts, strict=True)):
        raise Refusal(DAMAGED)
    page.dataoffsets, page.databytecounts = tuple(offsets), tuple(counts)
    if page.compression == OLD_JPEG and not _is_whole_jpeg(page):
        raise refusal("is compressed as old-style JPEG, whose tables lie outside the image")


def _stored_bytes(page: TiffPage, layout: Layout, index: int) -> int:
    """Bytes of an uncompressed strip or tile."""
    samples = layout.n_samples if page.planarconfig == 1 else 1
    width, rows = page.tilewidth, page.tilelength
    if not page.is_tiled:
        strips = math.ceil(page.imagelength / page.rowsperstrip)
        width = page.imagewidth
        rows = min(page.rowsperstrip, page.imagelength - index % strips * page.rowsperstrip)
    across, down = layout.subsampling
    if (across, down) != (1, 1):
        return math.ceil(width / across) * math.ceil(rows / down) * (across * down + 2)
    return rows * math.ceil(width * samples * layout.bits / 8)


def _is_whole_jpeg(page: TiffPage) -> bool:
    file = page.parent.filehandle
    file.seek(page.dataoffsets[0])
    start = file.read(page.databytecounts[0])
    return len(page.dataoffsets) == 1 and start[:2] == b"\xff\xd8" and b"\xff\xda" in start


def _segments(page: TiffPage, layout: Layout, indices: tuple[int, ...] | None) -> Iterator[Segment]:
    """Decoded strips or tiles, cropped to the image; the first plane is 0."""
    offsets, counts = page.dataoffsets, page.databytecounts
    if indices is not None:
        offsets, counts = (tuple(values[i] for i in indices) for values in (offsets, counts))
    for data, index in page.parent.filehandle.read_segments(
        offsets, counts, indices, sort=False, buffersize=_READ_BYTES
    ):
        if page.compression in (JPEG, OLD_JPEG) and b"\xff\xd9" not in data[-64:]:
            raise Refusal(DAMAGED)  # libjpeg would fill the rest with grey
        if layout.subsampling != (1, 1):
            yield _subsampled(page, layout, data, index)
            continue
        options = {"jpegtables": page.jpegtables} if page.compression in (JPEG, OLD_JPEG) else {}
        values, (plane, _, top, left, _), _ = page.decode(data, index, **options)
        height, width = page.imagelength - top, page.imagewidth - left
        yield plane, top, left, values[0, :height, :width]


def _subsampled(page: TiffPage, layout: Layout, data: bytes, index: int) -> Segment:
    """A strip or tile of YCbCr with fewer chroma samples, which tifffile does not decode."""
    across, down = layout.subsampling
    columns = math.ceil(page.imagewidth / page.tilewidth) if page.is_tiled else 1
    height, width = (page.tilelength, page.tilewidth)
    if not page.is_tiled:
        height, width = page.rowsperstrip, page.imagewidth
    top, left = index // columns * height, index % columns * width
    if not page.is_tiled:
        height = min(height, page.imagelength - top)
    blocks_down, blocks_across = math.ceil(height / down), math.ceil(width / across)
    size = blocks_down * blocks_across * (across * down + 2)
    if page.compression != NONE:
        data = TIFF.DECOMPRESSORS[page.compression](data, out=size)
    if len(data) < size:
        raise Refusal(DAMAGED)
    blocks = np.frombuffer(data, np.uint8, size).reshape(blocks_down, blocks_across, -1)
    luma = (
        blocks[..., :-2]
        .reshape(blocks_down, blocks_across, down, across)
        .swapaxes(1, 2)
        .reshape(blocks_down * down, blocks_across * across)
    )
    chroma = blocks[..., -2:].repeat(down, axis=0).repeat(across, axis=1)
    values = np.dstack([luma, chroma])[:height, :width]
    return 0, top, left, values[: page.imagelength - top, : page.imagewidth - left]


def _check_values(values: np.ndarray, bits: int) -> None:
    """A codec may hold other values than the tags say."""
    if values.dtype.kind != "u":
        raise Refusal(RANGE_UNKNOWN)
    if 8 * values.dtype.itemsize > bits and values.size and int(values.max()) >= 2**bits:
        raise Refusal(DAMAGED)


def _scale(bits: int) -> np.ndarray:
    """Lookup table, uint8, shape (2 ** bits,): 0 .. 2 ** bits - 1 to 0 .. 255, rounded."""
    top = 2**bits - 1
    return ((2 * 255 * np.arange(2**bits) + top) // (2 * top)).astype(np.uint8)


def _table(page: TiffPage, layout: Layout) -> np.ndarray:
    """Lookup table of the colours, uint8, shape (2 ** bits,), or (2 ** bits, 3) of a palette."""
    if layout.photometric == MIN_IS_WHITE:
        return _scale(layout.bits)[::-1]
    if layout.photometric != PALETTE:
        return _scale(layout.bits)
    colour_map = np.asarray(page.tags.valueof(_COLOUR_MAP, ()), np.int64).reshape(-1)
    if len(colour_map) != 3 * 2**layout.bits or colour_map.min() < 0:
        raise refusal("has a colour map of another length than its palette")
    if colour_map.max() > 255:  # some programs write 8-bit colours into the 16-bit map
        colour_map = (np.minimum(colour_map, 2**16 - 1) + 128) // 257
    return colour_map.astype(np.uint8).reshape(3, -1).T


def _divide_by_alpha(colours: np.ndarray, alpha: np.ndarray) -> None:
    """Undo a multiplication by alpha, in place, in blocks of rows."""
    for rows in _row_blocks(colours):
        divisor = np.maximum(alpha[rows, :, None].astype(np.int32), 1)
        straight = (colours[rows].astype(np.int32) * 255 + divisor // 2) // divisor
        colours[rows] = np.minimum(straight, 255)


def _to_rgb(colours: np.ndarray, page: TiffPage) -> None:
    """Convert YCbCr to RGB in place by TIFF 6.0, section 21."""
    luma = _rationals(page, _LUMA_COEFFICIENTS, _LUMA_DEFAULT)
    reference = _rationals(page, _REFERENCE_BLACK_WHITE, _REFERENCE_DEFAULT).reshape(3, 2)
    black, white = reference[:, 0], reference[:, 1]
    if np.any(white <= black) or np.any(luma <= 0):
        raise Refusal(DAMAGED)
    scale = np.array([255, 127, 127]) / (white - black)
    for rows in _row_blocks(colours):
        y, cb, cr = np.moveaxis((colours[rows] - black) * scale, 2, 0)
        red, blue = y + cr * (2 - 2 * luma[0]), y + cb * (2 - 2 * luma[2])
        green = (y - luma[0] * red - luma[2] * blue) / luma[1]
        rgb = np.stack([red, green, blue], axis=2)
        colours[rows] = np.clip(np.rint(rgb), 0, 255)


def _rationals(page: TiffPage, tag: int, default: tuple[int, ...]) -> np.ndarray:
    values = page.tags.valueof(tag, default)
    if len(values) == len(default) // 2:  # stored as other numbers
        return np.asarray(values, float)
    pairs = np.asarray(values, float).reshape(-1, 2)
    if pairs.size != len(default) or np.any(pairs[:, 1] == 0):
        raise Refusal(DAMAGED)
    return pairs[:, 0] / pairs[:, 1]


def _row_blocks(image: np.ndarray) -> Iterator[slice]:
    rows = max(1, _BLOCK_PIXELS // image.shape[1])
    return (slice(top, top + rows) for top in range(0, len(image), rows))
