"""Slides in TIFFs that OpenSlide cannot read, or not as they are meant, through tifffile.

Used by `idc.large_images.slide_decoder_worker` only, in its process. JPEG 2000, WebP and other
codecs, 16-bit samples, levels in SubIFDs, strips, and BigTIFF of either byte order: one strip or
tile is decoded at a time, so that memory does not grow with the slide.
"""

import logging
import math
from collections import OrderedDict
from contextlib import suppress
from typing import Self

import numpy as np
from tifffile import TiffFile, TiffPage

from idc.uploads.pixel_conversion import RANGE_UNKNOWN, TO_SLIDE, Refusal
from idc.uploads.resolution import Scale
from idc.uploads.tiff_image import page_scale
from idc.uploads.tiff_layout import (
    ADVICE,
    CMYK,
    MIN_IS_BLACK,
    MIN_IS_WHITE,
    PALETTE,
    RGB,
    YCBCR,
    Layout,
    layout_of,
)
from idc.uploads.tiff_samples import check_segments, read_box

logging.getLogger("tifffile").setLevel(logging.CRITICAL + 1)  # its findings end in refusals here

_CONVERT = f"convert it by {TO_SLIDE.format('IN')}"
_CONVERT_COLOURS = f"convert it by `vips colourspace IN RGB.v srgb` and {TO_SLIDE.format('RGB.v')}"
_CONVERT_VALUES = (
    "convert it, values of 0 to 1 by `vips linear IN RGB.v 255 0 --uchar`, and then by "
    f"{TO_SLIDE.format('RGB.v')}"
)

_MAX_PAGES = 64  # a directory that points back to an earlier one ends here
_MAX_SEGMENT_BYTES = 256 * 2**20  # decoded, of a strip or tile
_CACHE_BYTES = 384 * 2**20  # a row of boxes of a wide image in strips
_MIN_STRIP_PIXELS = 10**8  # a smaller image in strips is predicted as a region


class LargeImageRefusal(Refusal):
    """Of an image with too many pixels to be predicted as a region instead."""


class TiffSlide:
    """An opened TIFF with its levels.

    Attributes:
        dimensions: (width, height) in px at full resolution.
        level_downsamples: rising from 1.
        scale: what the file states, see `idc.uploads.resolution`.
        is_plain: whether OpenSlide shows the same pixels, if it opens the file.

    Raises:
        Refusal: it cannot be read; names the reason and the remedy.
        Exception: any, for a damaged file.
    """

    def __init__(self, path: str) -> None:
        self._file = TiffFile(path, is_lsm=False, is_ndpi=False, is_scanimage=False)
        try:
            first = self._file.pages.first
            assert isinstance(first, TiffPage)
            self._levels = [(first, _checked_layout(first))]
            self._levels += _smaller_levels(self._file, first)
        except Refusal as refusal:
            raise _for_slides(refusal, first) from refusal
        self.dimensions = (int(first.imagewidth), int(first.imagelength))
        self.level_downsamples = [_downsample(first, page) for page, _ in self._levels]
        self.scale: Scale = page_scale(first)
        layout = self._levels[0][1]
        self.is_plain = (
            layout.bits == 8
            and layout.n_samples == 3
            and layout.photometric in (RGB, YCBCR)
            and first.planarconfig == 1
            and not layout.is_channels
        )
        self._cache: OrderedDict[tuple[int, int, int], np.ndarray] = OrderedDict()
        self._cached_bytes = 0

    def checked(self) -> Self:
        """Itself, if all strips and tiles lie in the file.

        Raises:
            Refusal: some are missing.
        """
        try:
            for page, layout in self._levels:
                check_segments(page, layout)
        except Refusal as refusal:
            raise _for_slides(refusal, self._levels[0][0]) from refusal
        return self

    def read_region(self, at: tuple[int, int], level: int, size: tuple[int, int]) -> np.ndarray:
        """A box, white outside of the slide.

        Args:
            at: its upper left corner, (x, y) at full resolution.
            size: (width, height) in px of the level.

        Returns:
            uint8 RGB, shape (height, width, 3).
        """
        page, downsample = self._levels[level][0], self.level_downsamples[level]
        left, top = (round(value / downsample) for value in at)
        rgb = np.full((size[1], size[0], 3), 255, np.uint8)
        width, height = _segment_size(page)
        right = min(left + size[0], page.imagewidth)
        bottom = min(top + size[1], page.imagelength)
        for row in range(max(top, 0) // height, math.ceil(max(bottom, 0) / height)):
            for column in range(max(left, 0) // width, math.ceil(max(right, 0) / width)):
                part = self._segment(level, row, column)
                y, x = row * height - top, column * width - left
                y_skip, x_skip = max(0, -y), max(0, -x)
                part = part[y_skip : size[1] - y, x_skip : size[0] - x]
                y, x = y + y_skip, x + x_skip
                rgb[y : y + part.shape[0], x : x + part.shape[1]] = part
        return rgb

    def _segment(self, level: int, row: int, column: int) -> np.ndarray:
        """A strip or tile, cropped to the page: uint8 RGB, shape (height, width, 3)."""
        key = (level, row, column)
        if key in self._cache:
            self._cache.move_to_end(key)
            return self._cache[key]
        page, layout = self._levels[level]
        width, height = _segment_size(page)
        across, down = math.ceil(page.imagewidth / width), math.ceil(page.imagelength / height)
        planes = layout.n_samples if page.planarconfig == 2 else 1
        indices = tuple(plane * across * down + row * across + column for plane in range(planes))
        left, top = column * width, row * height
        box = left, top, min(left + width, page.imagewidth), min(top + height, page.imagelength)
        rgb = _on_white(*read_box(page, layout, box, indices))
        self._cache[key] = rgb
        self._cached_bytes += rgb.nbytes
        while self._cached_bytes > _CACHE_BYTES and len(self._cache) > 1:
            self._cached_bytes -= self._cache.popitem(last=False)[1].nbytes
        return rgb


def _checked_layout(page: TiffPage) -> Layout:
    """The layout of a page that can be read strip by strip or tile by tile.

    Raises:
        Refusal: it cannot.
    """
    layout = layout_of(page)
    width, height = _segment_size(page)
    pixels = page.imagewidth * page.imagelength
    if min(width, height) < 1 or pixels < 1:
        raise Refusal("is damaged")
    if not page.is_tiled and pixels < _MIN_STRIP_PIXELS:
        raise Refusal(f"is an image in strips, not a slide; upload it as a region, or {_CONVERT}")
    if layout.photometric == CMYK:
        raise Refusal(f"holds CMYK; {_CONVERT_COLOURS}")
    if (
        layout.photometric == MIN_IS_BLACK
        and layout.n_samples == 1
        and "SizeC=" in (page.description)
        and 'SizeC="1"' not in page.description
    ):
        raise Refusal("holds channels as separate pages; merge them to RGB and try again")
    n_bytes = width * height * layout.n_samples * (2 if layout.bits > 8 else 1)
    if n_bytes > _MAX_SEGMENT_BYTES:
        kind = "tiles" if page.is_tiled else "strips"
        raise Refusal(f"has {kind} of {width} x {height} px, too large to decode; {_CONVERT}")
    return layout


def _for_slides(refusal: Refusal, first: TiffPage) -> Refusal:
    is_large = first.imagewidth * first.imagelength >= _MIN_STRIP_PIXELS
    kind = LargeImageRefusal if is_large else Refusal
    convert = _CONVERT
    if str(refusal) == RANGE_UNKNOWN:  # libvips would take them for linear light
        convert = _CONVERT_VALUES
    elif first.photometric not in (MIN_IS_WHITE, MIN_IS_BLACK, RGB, PALETTE, YCBCR):
        convert = _CONVERT_COLOURS  # libvips would keep their colour space
    return kind(str(refusal).replace(ADVICE, convert))


def _smaller_levels(file: TiffFile, first: TiffPage) -> list[tuple[TiffPage, Layout]]:
    """The readable levels in SubIFDs and in further pages, the largest first."""
    levels = []
    width = first.imagewidth
    for page in sorted(_other_pages(file, first), key=lambda page: -page.imagewidth):
        factors = first.imagewidth / page.imagewidth, first.imagelength / page.imagelength
        rounding = factors[0] / min(page.imagewidth, page.imagelength)
        if page.imagewidth >= width or abs(factors[0] - factors[1]) > 0.01 + 2 * rounding:
            continue  # a label, a macro photograph or another image
        with suppress(Refusal):  # such a level is not used
            levels.append((page, _level_layout(page)))
            width = page.imagewidth
    return levels


def _level_layout(page: TiffPage) -> Layout:
    if not page.is_tiled and page.imagewidth * page.imagelength < _MIN_STRIP_PIXELS:
        return layout_of(page)  # a small level may lie in strips
    return _checked_layout(page)


def _other_pages(file: TiffFile, first: TiffPage) -> list[TiffPage]:
    """SubIFDs of the first page, else further pages that call themselves reduced or are tiled."""
    found: list[TiffPage] = []
    pages = first.pages if first.subifds else None
    for source, start in ((pages, 0), (file.pages, 1)):
        if source is None or found:
            continue
        for index in range(start, _MAX_PAGES):
            try:
                page = source[index]
            except Exception:  # noqa: BLE001  the end, or a damaged directory
                break
            if not isinstance(page, TiffPage) or min(page.imagewidth, page.imagelength) < 1:
                break
            if source is pages or page.subfiletype & 1 or page.is_tiled:
                found.append(page)
    return found


def _segment_size(page: TiffPage) -> tuple[int, int]:
    """(width, height) in px of a tile or strip."""
    if page.is_tiled:
        return int(page.tilewidth), int(page.tilelength)
    return int(page.imagewidth), min(int(page.rowsperstrip), int(page.imagelength))


def _downsample(first: TiffPage, page: TiffPage) -> float:
    return (first.imagewidth / page.imagewidth + first.imagelength / page.imagelength) / 2


def _on_white(colours: np.ndarray, alpha: np.ndarray | None) -> np.ndarray:
    """uint8 RGB, shape (height, width, 3), of grey or RGB and its opacity."""
    rgb = np.broadcast_to(colours, (*colours.shape[:2], 3))
    if alpha is None:
        return np.ascontiguousarray(rgb)
    opacity = alpha[..., None].astype(np.uint16)
    return ((rgb * opacity + 255 * (255 - opacity) + 127) // 255).astype(np.uint8)
