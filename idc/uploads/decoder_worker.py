"""Decoder process of the gate: ``python -m idc.uploads.decoder_worker FD``.

Decodes one untrusted file per request into upright 8-bit RGB pixels. Started by
`idc.uploads.decoder_pool`; no module imports it. A file may crash, hang or take over the process,
so it first gives up memory, files and child processes that it does not need. Few imports keep a
restart fast.
"""

import resource
import struct
import sys
import warnings
import zlib
from collections.abc import Iterator, Mapping
from io import BytesIO
from typing import Any

from PIL import (  # plugins by name: Pillow would otherwise load them after the limits are set
    BmpImagePlugin,  # noqa: F401
    Image,
    JpegImagePlugin,  # noqa: F401
    PngImagePlugin,  # noqa: F401
    TiffImagePlugin,
    WebPImagePlugin,  # noqa: F401
)

from idc.processes.child import Reply, serve
from idc.processes.resource_limits import lower_limit
from idc.uploads.pixel_conversion import Refusal, to_rgb
from idc.uploads.resolution import mpp_of_tiff

DAMAGED = "is damaged, incomplete or unsupported; save it as an 8-bit RGB PNG and try again"
NO_MEMORY = "needs too much memory to read; crop or shrink it and try again"
NO_PATCH = "which is larger than a patch; upload it alone, as a region, or crop a patch from it"
TOO_MANY_SCANS = "has too many progressive scans; save it again as a new file and retry"

_MAX_SCANS = 64  # of a progressive JPEG, usually ten; each costs a pass over all pixels
_BLOCK_BYTES = 2**22  # pixels are sent in blocks, so that they are never in memory twice

_WIDTH, _HEIGHT, _ORIENTATION, _PLANAR_CONFIGURATION = (
    256,
    257,
    274,
    284,
)  # tags of TIFF, the third of EXIF too
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
_TRANSPOSE_BY_ORIENTATION = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_QUARTER_TURNS = (5, 6, 7, 8)


def answer(request: Mapping[str, Any], data: bytes) -> Reply:
    """Decode one file.

    Args:
        request: the file's ``format``; the limits ``max_pixels``, ``max_side_px``,
            ``max_expansion_ratio`` (bytes of pixels per byte of an image with more than
            ``standard_pixels``), ``patch_side_px`` (None if regions are accepted) and
            ``max_memory_bytes``; and what to return: with ``header`` the header only, else the
            pixels, if there are at most ``standard_pixels`` or ``large`` is set.
        data: the file.

    Returns:
        ``{"ok": True, "height", "width", "um_per_px", "notes"}`` with height * width * 3 bytes of
        RGB in blocks, or without a block for the header only;
        ``{"ok": False, "large": True}`` for an image that needs the larger limits;
        ``{"ok": False, "reason"}``.
    """
    if sys.platform == "linux":  # macOS defines the limit but rejects setting it
        lower_limit(resource.RLIMIT_AS, request["max_memory_bytes"])
    try:
        return _answer(request, data)
    except Refusal as refusal:
        reason = str(refusal)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        reason = _too_large(request)
    except MemoryError:
        reason = NO_MEMORY
    except Exception:  # noqa: BLE001  a decoder may raise anything on hostile bytes
        reason = DAMAGED
    return {"ok": False, "reason": reason}, b""


def _answer(request: Mapping[str, Any], data: bytes) -> Reply:
    Image.MAX_IMAGE_PIXELS = request["max_pixels"]
    # Opening reads the header and checks the declared size; no pixel is decoded yet.
    image: Image.Image = Image.open(BytesIO(data), formats=[request["format"]])
    pixels = image.width * image.height
    if max(image.size) > request["max_side_px"]:
        raise Refusal(_too_large(request))
    if request["patch_side_px"] and max(image.size) > request["patch_side_px"]:
        raise Refusal(f"is {image.width} x {image.height} px, {NO_PATCH}")
    if pixels > request["standard_pixels"]:
        if 3 * pixels > request["max_expansion_ratio"] * len(data):
            raise Refusal(_expands_too_much(request))
        if not request["large"] and not request["header"]:
            return {"ok": False, "large": True}, b""
    header: dict[str, Any] = {"ok": True, "um_per_px": mpp_of_tiff(image), "notes": []}
    if request["header"]:
        width, height = image.size[::-1] if _orientation(image) in _QUARTER_TURNS else image.size
        return header | {"height": height, "width": width}, b""
    image = _decode(image, data, header["notes"])
    return header | {"height": image.height, "width": image.width}, _row_blocks(image)


def _decode(image: Image.Image, data: bytes, notes: list[str]) -> Image.Image:
    if image.format == "PNG":
        _check_png(data)
    elif image.format in ("JPEG", "MPO") and data.count(b"\xff\xda") > _MAX_SCANS:
        raise Refusal(TOO_MANY_SCANS)
    if isinstance(image, TiffImagePlugin.TiffImageFile):
        _check_tiff(image)
    if getattr(image, "is_animated", False):
        notes.append("Only the first of several pages or frames is used.")
    raw_mode = _raw_mode(image)  # Pillow drops it once the pixels are decoded
    image = _upright(image, notes)  # also frees the file and its decoder
    return to_rgb(image, raw_mode, notes)


def _row_blocks(image: Image.Image) -> Iterator[bytes]:
    """The pixels of an RGB image in blocks of rows."""
    rows = max(1, _BLOCK_BYTES // (3 * image.width))
    for top in range(0, image.height, rows):
        bottom = min(top + rows, image.height)
        yield image.crop((0, top, image.width, bottom)).tobytes()


def _too_large(request: Mapping[str, Any]) -> str:
    return (
        f"has more than {request['max_pixels']} pixels or a side of more than "
        f"{request['max_side_px']}; crop or shrink it and try again"
    )


def _expands_too_much(request: Mapping[str, Any]) -> str:
    return (
        f"would expand to more than {request['max_expansion_ratio']} times its size, which no "
        "tissue image does; crop or shrink it and try again"
    )


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


def _check_tiff(image: TiffImagePlugin.TiffImageFile) -> None:
    """Check that the strips or tiles reach the last corner: Pillow leaves missing ones black."""
    corner = (image.tag_v2[_WIDTH], image.tag_v2[_HEIGHT])
    layers = len(image.getbands()) if image.tag_v2.get(_PLANAR_CONFIGURATION) == 2 else 1
    ends = [tile.extents[2:] for tile in image.tile if tile.extents is not None]
    compressed = image.tile[0].codec_name == "libtiff"  # libtiff checks this itself
    if not compressed and ends.count(corner) < layers:
        raise Refusal(DAMAGED)


def _raw_mode(image: Image.Image) -> str:
    """Pillow's name for the pixel format in the file ("RGB;16B"); "" if unknown."""
    tile = getattr(image, "tile", [])
    args = tile[0].args if tile else ""
    return str(args[0] if isinstance(args, tuple) else args)


def _upright(image: Image.Image, notes: list[str]) -> Image.Image:
    """Decode the pixels and rotate them by the EXIF or XMP orientation."""
    orientation = _orientation(image)
    if orientation is None:
        notes.append("Damaged EXIF data ignored.")
    turn = _TRANSPOSE_BY_ORIENTATION.get(orientation or 1)
    image.load()
    if turn is None:
        return image
    notes.append("Rotated upright by its EXIF orientation.")
    # Pillow rotates a TIFF while it decodes it, but no other format.
    return image if image.format == "TIFF" else image.transpose(turn)


def _orientation(image: Image.Image) -> int | None:
    """The EXIF or XMP orientation, 1 if there is none; None if the metadata is damaged."""
    try:
        stated = image.getexif().get(_ORIENTATION, 1)
    except Exception:  # noqa: BLE001  hostile metadata; the pixels may still be intact
        return None
    return stated if isinstance(stated, int) else 1


def main() -> None:
    """Give up what decoding does not need, then answer until the parent hangs up."""
    lower_limit(resource.RLIMIT_CORE, 0)
    lower_limit(resource.RLIMIT_FSIZE, 0)  # no file can be written
    lower_limit(resource.RLIMIT_NOFILE, 32)
    lower_limit(resource.RLIMIT_NPROC, 0)  # no process can be started (root is exempt)
    lower_limit(resource.RLIMIT_CPU, 600)  # ends an orphan in an endless loop
    # A warning means a damaged or forged file, except these, which affect no pixel.
    warnings.simplefilter("error", UserWarning)
    warnings.simplefilter("error", RuntimeWarning)  # DecompressionBombWarning
    for harmless in ("Metadata Warning", "Image appears to be a malformed MPO", "Invalid APNG"):
        warnings.filterwarnings("ignore", harmless)
    serve(answer)


if __name__ == "__main__":
    main()
