"""Decoder process of the gate: ``python -m idc.uploads.decoder_worker FD``.

Decodes one untrusted file per request into upright 8-bit RGB pixels. Started by
`idc.uploads.decoder_pool`; no module imports it. A file may crash, hang or take over the process,
so it first gives up memory, files and child processes that it does not need. Few imports keep a
restart fast.
"""

import os
import resource
import sys
import warnings
from collections.abc import Iterator, Mapping
from typing import Any

from PIL import Image

from idc.processes.child import Reply, serve
from idc.processes.resource_limits import lower_limit
from idc.uploads.pillow_image import PillowImage
from idc.uploads.pixel_conversion import DAMAGED, PREDICT_AS_SLIDE, Refusal

NO_MEMORY = "needs too much memory to read; crop or shrink it and try again"

_BLOCK_BYTES = 2**22  # pixels are sent in blocks, so that they are never in memory twice


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
        ``{"ok": True, "height", "width", "um_per_px", "scale_note", "notes"}`` with height * width
        * 3 bytes of RGB in blocks, or without a block for the header only;
        ``{"ok": False, "large": True}`` for an image that needs the larger limits;
        ``{"ok": False, "larger_than_patch": [width, height]}`` for one beyond ``patch_side_px``;
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
    # Opening reads the header; no pixel is decoded yet.
    image = _opened(request["format"], data)
    width, height = image.width, image.height
    if request["patch_side_px"] and max(width, height) > request["patch_side_px"]:
        return {"ok": False, "larger_than_patch": [width, height]}, b""
    if max(width, height) > request["max_side_px"] or width * height > request["max_pixels"]:
        raise Refusal(_too_large(request))
    if width * height > request["standard_pixels"]:
        if 3 * width * height > request["max_expansion_ratio"] * len(data):
            raise Refusal(_expands_too_much(request))
        if not request["large"] and not request["header"]:
            return {"ok": False, "large": True}, b""
    header: dict[str, Any] = {
        "ok": True,
        "um_per_px": image.scale.mpp_um,
        "scale_note": image.scale.note,
        "notes": [],
    }
    if request["header"]:
        width, height = (height, width) if image.is_quarter_turned() else (width, height)
        return header | {"height": height, "width": width}, b""
    rgb = image.decode(header["notes"])
    return header | {"height": rgb.height, "width": rgb.width}, _row_blocks(rgb)


def _opened(format_: str, data: bytes) -> Any:
    """A `PillowImage` or a `TiffImage`."""
    if format_ != "TIFF":
        return PillowImage(data, format_)
    from idc.uploads.tiff_image import TiffImage  # its libraries would double the start's time

    return TiffImage(data)


def _row_blocks(image: Image.Image) -> Iterator[bytes]:
    """The pixels of an RGB image in blocks of rows."""
    rows = max(1, _BLOCK_BYTES // (3 * image.width))
    for top in range(0, image.height, rows):
        bottom = min(top + rows, image.height)
        yield image.crop((0, top, image.width, bottom)).tobytes()


def _too_large(request: Mapping[str, Any]) -> str:
    return (
        f"has more than {request['max_pixels'] / 1e6:g} million pixels or a side of more than "
        f"{request['max_side_px']:,}; {PREDICT_AS_SLIDE}"
    )


def _expands_too_much(request: Mapping[str, Any]) -> str:
    return (
        f"would expand to more than {request['max_expansion_ratio']} times its size, which no "
        "tissue image does; crop or shrink it and try again"
    )


def main() -> None:
    """Give up what decoding does not need, then answer until the parent hangs up."""
    os.environ["OPENBLAS_NUM_THREADS"] = "1"  # NumPy, loaded for a TIFF, would start threads
    sys.dont_write_bytecode = True
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
