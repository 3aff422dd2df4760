"""TIFF by tifffile: size and scale from the header, then 8-bit RGB pixels.

Used by `idc.uploads.decoder_worker` only, in the decoder process, which imports it when a TIFF
arrives. What a page's tags leave uncertain is refused by a sentence that names it, so that no file
is decoded to other pixels than its writer meant. tifffile finds strips and tiles and calls the
codecs; colours are converted here and in `idc.uploads.tiff_samples`.
"""

import logging
import struct
from io import BytesIO
from typing import Any

import numpy as np
from PIL import Image
from tifffile import TiffFile, TiffPage

from idc.uploads.pixel_conversion import (
    BILEVEL_NOTE,
    CMYK_NOTE,
    DAMAGED,
    GREY_NOTE,
    PAGE_NOTE,
    PALETTE_NOTE,
    QUARTER_TURNS,
    TURN_NOTE,
    YCBCR_NOTE,
    Refusal,
    opaque_srgb,
    turned,
)
from idc.uploads.resolution import Scale, scale_of_tiff
from idc.uploads.tiff_channels import channel_pages
from idc.uploads.tiff_layout import (
    CMYK,
    MIN_IS_BLACK,
    MIN_IS_WHITE,
    PALETTE,
    YCBCR,
    Layout,
    layout_of,
)
from idc.uploads.tiff_samples import read_samples

logging.getLogger("tifffile").setLevel(logging.CRITICAL + 1)  # its findings end in refusals here

CHANNELS_NOTE = "Three channels taken as red, green and blue."
EXTRA_NOTE = "Extra channels of unknown meaning ignored."

_ORIENTATION, _PROFILE = 274, 34675  # tags
_X_RESOLUTION, _Y_RESOLUTION, _RESOLUTION_UNIT = 282, 283, 296
_TAGS_OF_PIXELS = frozenset(
    {256, 257, 258, 259, 262, 266, 273, 274, 277, 278, 279, 284, 292, 317, 320, 322, 323, 324, 325}
    | {332, 338, 339, 347, 513, 514, 529, 530, 532, 32997}
)
_COLOUR_NOTES = {
    MIN_IS_WHITE: GREY_NOTE,
    MIN_IS_BLACK: GREY_NOTE,
    PALETTE: PALETTE_NOTE,
    CMYK: CMYK_NOTE,
    YCBCR: YCBCR_NOTE,
}


class TiffImage:
    """An opened TIFF; no pixel is decoded before `decode`.

    Attributes:
        width, height: in pixels, as stored.
        scale: see `idc.uploads.resolution`.

    Raises:
        Refusal: the header is incomplete.
        Exception: any, for a damaged header.
    """

    def __init__(self, data: bytes) -> None:
        # The flags are formats of other microscopes, which tifffile would read by private tables.
        self._file = TiffFile(BytesIO(data), is_lsm=False, is_ndpi=False, is_scanimage=False)
        self._page: TiffPage = self._file.pages.first
        self.width, self.height = int(self._page.imagewidth), int(self._page.imagelength)
        if min(self.width, self.height) < 1 or _unread_tags(self._page) & _TAGS_OF_PIXELS:
            raise Refusal(DAMAGED)
        self.scale = page_scale(self._page)

    def is_quarter_turned(self) -> bool:
        """Whether the upright image has width and height exchanged."""
        return self._orientation() in QUARTER_TURNS

    def decode(self, notes: list[str]) -> Image.Image:
        """The upright pixels as mode "RGB"; a sentence is added to ``notes`` per conversion.

        Raises:
            Refusal: the pixels cannot be read as they are meant.
        """
        layout = layout_of(self._page)
        channels = channel_pages(self._file) if layout.n_samples == 1 else None
        if _has_page(self._file, len(channels or [self._page])):
            notes.append(PAGE_NOTE)
        orientation = self._orientation()
        if orientation in range(2, 9):
            notes.append(TURN_NOTE)
        notes.extend(_conversion_notes(layout, channels is not None))
        colour, alpha = _merged(channels) if channels else _decoded(self._page, layout)
        colour = turned(colour, orientation)
        alpha = alpha and turned(alpha, orientation)
        return opaque_srgb(colour, alpha, _profile(self._page), notes)

    def _orientation(self) -> int:
        """The orientation whatever the type of its tag; 1 if there is none."""
        value = self._page.tags.valueof(_ORIENTATION, 1)
        if isinstance(value, bytes) and len(value) == 1:  # of type BYTE instead of SHORT
            return value[0]
        return value if isinstance(value, int) else 1


def page_scale(page: TiffPage) -> Scale:
    """The scale that a page's tags state."""
    return scale_of_tiff(
        description=page.description,
        x_resolution=page.tags.valueof(_X_RESOLUTION),
        y_resolution=page.tags.valueof(_Y_RESOLUTION),
        unit=page.tags.valueof(_RESOLUTION_UNIT, 2),
        size=(int(page.imagewidth), int(page.imagelength)),
    )


def _unread_tags(page: TiffPage) -> set[int]:
    """Numbers of the tags that tifffile left out because their values lie outside the file."""
    file, tiff = page.parent.filehandle, page.parent.tiff
    file.seek(page.offset)
    (count,) = struct.unpack(tiff.tagnoformat, file.read(tiff.tagnosize))
    entries = file.read(count * tiff.tagsize)
    starts = range(0, len(entries), tiff.tagsize)
    codes = {struct.unpack_from(f"{tiff.byteorder}H", entries, at)[0] for at in starts}
    return {code for code in codes if code not in page.tags}


def _has_page(file: TiffFile, index: int) -> bool:
    try:
        file.pages[index]
    except Exception:  # noqa: BLE001  a damaged directory behind the page that is read
        return False
    return True


def _conversion_notes(layout: Layout, has_channel_pages: bool) -> list[str]:
    notes = [f"{layout.bits}-bit values scaled to 8 bit."] if layout.bits > 8 else []
    if has_channel_pages or layout.is_channels:
        return [*notes, CHANNELS_NOTE]
    if layout.bits == 1 and layout.n_samples == 1 and layout.photometric != PALETTE:
        notes.append(BILEVEL_NOTE)
    elif layout.photometric in _COLOUR_NOTES:
        notes.append(_COLOUR_NOTES[layout.photometric])
    return [*notes, EXTRA_NOTE] if layout.ignores_samples else notes


def _merged(channels: list[TiffPage]) -> tuple[Image.Image, None]:
    """An RGB image of three grey pages."""
    return Image.merge("RGB", [_decoded(page, layout_of(page))[0] for page in channels]), None


def _decoded(page: TiffPage, layout: Layout) -> tuple[Image.Image, Image.Image | None]:
    """Colours of mode "L", "RGB" or "CMYK", and alpha of mode "L"; None if all is opaque."""
    colours, alpha = read_samples(page, layout)
    height, width, n = colours.shape
    mode = {1: "L", 3: "RGB", 4: "CMYK"}[n]
    image = Image.frombuffer(mode, (width, height), colours, "raw", mode, 0, 1)
    if alpha is None or alpha.min() == 255:
        return image, None
    return image, Image.frombuffer("L", (width, height), alpha, "raw", "L", 0, 1)


def _profile(page: TiffPage) -> bytes | None:
    """The embedded colour profile, possibly damaged."""
    value: Any = page.tags.valueof(_PROFILE)
    if isinstance(value, tuple | list | np.ndarray):
        value = np.asarray(value, np.uint8).tobytes()
    return value if isinstance(value, bytes) else None
