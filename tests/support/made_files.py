"""Image files built from bytes or saved by Pillow, for the tests of the upload gate."""

import io
import struct
import zlib
from typing import Any

import numpy as np
from PIL import Image


def chunk(kind: bytes, data: bytes) -> bytes:
    """A PNG chunk with its checksum."""
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(width: int, height: int, bits: int, colour: int, rows: bytes, *extra: bytes) -> bytes:
    """A PNG. colour: 0 grey, 2 RGB, 3 palette, 4 grey and alpha, 6 RGBA; each row begins with 0."""
    header = struct.pack(">IIBBBBB", width, height, bits, colour, 0, 0, 0)
    chunks = (chunk(b"IHDR", header), *extra, chunk(b"IDAT", zlib.compress(rows)))
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks) + chunk(b"IEND", b"")


def one_bit_png(width: int, height: int) -> bytes:
    """A black PNG of one bit per pixel: a very small file."""
    return png(width, height, 1, 0, bytes(height * (1 + (width + 7) // 8)))


def tiff(width: int, height: int, pixels: bytes, **tags: tuple[int, ...]) -> bytes:
    """A little-endian TIFF of one uncompressed strip; tags t<number>=values, 16 bit each."""
    entries = {256: (width,), 257: (height,), 259: (1,), 277: (1,), 278: (height,)}
    entries |= {int(name[1:]): values for name, values in tags.items()}
    end = 8 + 2 + 12 * (len(entries) + 2) + 4
    longs = {273: end, 279: len(pixels)}
    directory, behind = b"", pixels
    for tag in sorted({*entries, *longs}):
        if tag in longs:
            directory += struct.pack("<HHII", tag, 4, 1, longs[tag])
            continue
        values = entries[tag]
        packed = struct.pack(f"<{len(values)}H", *values)
        if len(packed) > 4:
            packed, behind = struct.pack("<I", end + len(behind)), behind + packed
        directory += struct.pack("<HHI", tag, 3, len(values)) + packed.ljust(4, b"\0")
    return b"II*\0\x08\0\0\0" + struct.pack("<H", len(entries) + 2) + directory + bytes(4) + behind


def saved(image: Image.Image, format_: str, **options: Any) -> bytes:
    """The bytes that Pillow writes for an image."""
    file = io.BytesIO()
    image.save(file, format_, **options)
    return file.getvalue()


def picture(height: int = 24, width: int = 32) -> Image.Image:
    """An image of smooth colours, every pixel different."""
    y, x = np.mgrid[:height, :width]
    rgb = np.stack([x * 255 // (width - 1), y * 255 // (height - 1), (x + y) % 256], axis=-1)
    return Image.fromarray(rgb.astype(np.uint8))


def jpeg_declaring(width: int, height: int) -> bytes:
    """A small JPEG that declares a size."""
    data = bytearray(saved(picture(), "JPEG"))
    at = data.index(b"\xff\xc0") + 5
    data[at : at + 4] = struct.pack(">HH", height, width)
    return bytes(data)


def bmp_declaring(width: int, height: int) -> bytes:
    """A small BMP that declares a size."""
    data = bytearray(saved(picture(), "BMP"))
    data[18:26] = struct.pack("<ii", width, height)
    return bytes(data)


def webp_declaring(width: int, height: int) -> bytes:
    """A small WebP that declares a size."""
    exif = Image.Exif()
    exif[274] = 1
    data = bytearray(saved(picture(), "WEBP", exif=exif))  # with EXIF: the extended header
    data[24:30] = (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    return bytes(data)
