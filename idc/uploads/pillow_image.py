"""PNG, JPEG, BMP and WebP by Pillow: size from the header, then 8-bit RGB pixels.

Used by `idc.uploads.decoder_worker` only, in the decoder process.
"""

import struct
import zlib
from collections.abc import Iterator
from io import BytesIO

from PIL import (  # plugins by name: Pillow would otherwise load them after the limits are set
    BmpImagePlugin,  # noqa: F401
    Image,
    JpegImagePlugin,  # noqa: F401
    PngImagePlugin,  # noqa: F401
    WebPImagePlugin,  # noqa: F401
)

from idc.uploads.pixel_conversion import (
    DAMAGED,
    PAGE_NOTE,
    QUARTER_TURNS,
    TURN_NOTE,
    Refusal,
    to_rgb,
    turned,
)
from idc.uploads.resolution import Scale

TOO_MANY_SCANS = "has too many progressive scans; save it again as a new file and retry"

_MAX_SCANS = 64  # of a progressive JPEG, usually ten; each costs a pass over all pixels
_ORIENTATION = 274  # tag of EXIF
_PNG_CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}  # by colour type
_ADAM7 = (  # interlaced PNG: first column, first row, step in x, step in y
    (0, 0, 8, 8),
    (4, 0, 8, 8),
    (0, 4, 4, 8),
    (2, 0, 4, 4),
    (0, 2, 2, 4),
    (1, 0, 2, 2),
    (0, 1, 1, 2),
)


class PillowImage:
    """An opened file; no pixel is decoded before `decode`.

    Attributes:
        width, height: in pixels, as stored.
        scale: unknown: these formats state the scale of a print only.

    Raises:
        Exception: any, for a damaged file.
    """

    scale = Scale()

    def __init__(self, data: bytes, format_: str) -> None:
        self._data = data
        self._image: Image.Image = Image.open(BytesIO(data), formats=[format_])
        self.width, self.height = self._image.size

    def is_quarter_turned(self) -> bool:
        """Whether the upright image has width and height exchanged."""
        return self._orientation() in QUARTER_TURNS

    def decode(self, notes: list[str]) -> Image.Image:
        """The upright pixels as mode "RGB"; a sentence is added to ``notes`` per conversion.

        Raises:
            Refusal: the pixels cannot be read as they are meant.
        """
        image = self._image
        if image.format == "PNG":
            _check_png(self._data)
        elif image.format in ("JPEG", "MPO") and self._data.count(b"\xff\xda") > _MAX_SCANS:
            raise Refusal(TOO_MANY_SCANS)
        if getattr(image, "is_animated", False):
            notes.append(PAGE_NOTE)
        raw_mode = _raw_mode(image)  # Pillow drops it once the pixels are decoded
        orientation = self._orientation()
        if orientation is None:
            notes.append("Damaged EXIF data ignored.")
        image.load()  # also frees the file and its decoder
        upright = turned(image, orientation or 1)
        if upright is not image:
            notes.append(TURN_NOTE)
        return to_rgb(upright, raw_mode, notes)

    def _orientation(self) -> int | None:
        """The EXIF or XMP orientation, 1 if there is none; None if the metadata is damaged."""
        try:
            stated = self._image.getexif().get(_ORIENTATION, 1)
        except Exception:  # noqa: BLE001  hostile metadata; the pixels may still be intact
            return None
        return stated if isinstance(stated, int) else 1


def _raw_mode(image: Image.Image) -> str:
    """Pillow's name for the pixel format in the file ("RGB;16B"); "" if unknown."""
    tile = getattr(image, "tile", [])
    args = tile[0].args if tile else ""
    return str(args[0] if isinstance(args, tuple) else args)


def _check_png(data: bytes) -> None:
    """Check that the file is complete.

    Pillow ignores the checksums of the pixels, and if their stream ends early it leaves the
    missing rows black.
    """
    pixels = [body for kind, body in _png_chunks(data) if kind == b"IDAT"]
    inflate, missing = zlib.decompressobj(), _png_pixel_bytes(data)
    for body in pixels:
        for at in range(0, len(body), 2**16):  # in parts: each may expand a thousandfold
            if missing > 0:
                missing -= len(inflate.decompress(body[at : at + 2**16], missing))
    if missing > 0:
        raise Refusal(DAMAGED)


def _png_chunks(data: bytes) -> Iterator[tuple[bytes, memoryview]]:
    """Type and body of every chunk before IEND, with verified checksums."""
    view, at, kind = memoryview(data), 8, b""
    while kind != b"IEND":
        length, kind = struct.unpack_from(">I4s", data, at)
        (crc,) = struct.unpack_from(">I", data, at + 8 + length)
        if zlib.crc32(view[at + 4 : at + 8 + length]) != crc:
            raise Refusal(DAMAGED)
        yield kind, view[at + 8 : at + 8 + length]
        at += 12 + length


def _png_pixel_bytes(data: bytes) -> int:
    """Size of the declared pixels in bytes, including one filter byte per row."""
    width, height, bits, colour, interlaced = struct.unpack_from(">IIBBxxB", data, 16)
    depth = bits * _PNG_CHANNELS[colour]
    total = 0
    for x, y, step_x, step_y in _ADAM7 if interlaced else ((0, 0, 1, 1),):
        columns, rows = -((x - width) // step_x), -((y - height) // step_y)
        if columns > 0 and rows > 0:
            total += rows * (1 + (columns * depth + 7) // 8)
    return total
