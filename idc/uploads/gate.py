"""The gate: every byte from a visitor is decoded here, and nowhere else.

A decoder is C code that reads what a stranger wrote. So the server itself looks at no more than a
file's length and first bytes; the pixels are decoded by a child process
(`idc.uploads.decoder_worker`) under limits of memory, time and files. A file that kills or hangs
the child costs one refusal, and the next file finds a new child. There are a few children, so that
nobody waits behind one hung file, and one more with larger limits for large pictures.

What comes back is pixels and short notes alone. Whatever else a file carries (places, names, a zip
behind the picture) ends here. One thing cannot be seen: JPEG has no checksum, so a picture whose
middle is damaged but whose end is there is decoded as any viewer would show it.
"""

import re
from dataclasses import dataclass
from typing import Any

import numpy as np

from idc.errors import ServerBusy, UploadError, UploadTimeout
from idc.processes.child import Answer, ChildDied, ChildTimeout
from idc.processes.fair_semaphore import AcquireTimeout
from idc.uploads.decoder_pool import (
    DECODERS,
    IMAGES_PER_CHILD,
    LARGE_LIMITS,
    MAX_EXPANSION_RATIO,
    MAX_SIDE_PX,
    MAX_STANDARD_BYTES,
    STANDARD_LIMITS,
    DecodeLimits,
    DecoderPool,
)

MAX_FILE_BYTES = 200 * 10**6

FORMATS = ("PNG", "JPEG", "TIFF", "BMP", "WEBP")

_MAX_NOTES = 8
_MAX_SENTENCE_LENGTH = 200
_SAVE_AS_ADVICE = "save it as PNG, JPEG, TIFF, BMP or WebP and try again"
_UNREADABLE = "could not be read safely; save it as an 8-bit RGB PNG and try again"

_SIGNATURES = (  # what a file begins with, and its format
    (rb"\x89PNG\r\n\x1a\n", "PNG"),
    (rb"\xff\xd8\xff", "JPEG"),
    (rb"II[*+]\0|MM\0[*+]", "TIFF"),  # + is BigTIFF
    (rb"BM", "BMP"),
    (rb"RIFF....WEBP", "WEBP"),
)
_UNSUPPORTED_SIGNATURES = (  # files that people take for an image that can be read
    (rb"GIF8", "a GIF image"),
    (rb"[\s\xef\xbb\xbf]*<(svg|!doctype svg|\?xml.*<svg)", "an SVG drawing"),
    (rb"[\s\xef\xbb\xbf]*<(html|!doctype html)", "a web page"),
    (rb"%PDF", "a PDF document"),
    (rb"PK\x03\x04", "a zip archive or an office document"),
    (rb"....ftyp(heic|heix|heif|mif1|msf1)", "a HEIC photo"),
    (rb"....ftypavi[fs]", "an AVIF image"),
    (rb"....jP  |\xff\x4f\xff\x51", "a JPEG 2000 image"),
    (rb"\xff\x0a|....JXL ", "a JPEG XL image"),
    (rb"8BPS", "a Photoshop document"),
    (rb"\0\0\x01\0", "an icon"),
    (rb".{128}DICM", "a DICOM file"),
)


@dataclass(frozen=True)
class ImageHeader:
    """What a visitor's picture says of itself; its pixels may turn out to be damaged.

    Attributes:
        format: one of `FORMATS`, by content.
        height: in pixels, once upright; so is ``width``.
        um_per_px: micrometres per pixel by the file's resolution tags, [0.05, 16]; None where it
            says none, or one that no image of tissue has.
    """

    format: str
    height: int
    width: int
    mpp_um: float | None


@dataclass(frozen=True)
class DecodedImage:
    """A visitor's picture, upright, opaque, in sRGB.

    Attributes:
        rgb: uint8 RGB, shape (height, width, 3), 0 .. 255; not writable.
        format: one of `FORMATS`, by content.
        notes: one sentence for each conversion that was made.
        um_per_px: as in `ImageHeader`.
    """

    rgb: np.ndarray
    format: str
    notes: tuple[str, ...]
    mpp_um: float | None = None


class Gate:
    """The children that decode, and the limits that they work under."""

    def __init__(
        self,
        *,
        usual: DecodeLimits = STANDARD_LIMITS,
        large: DecodeLimits = LARGE_LIMITS,
        decoders: int = DECODERS,
        images_per_child: int = IMAGES_PER_CHILD,
    ) -> None:
        self.usual = DecoderPool(usual, decoders, images_per_child)
        self.large = DecoderPool(large, 1, 1)  # what a large picture took is given back at once

    def header(self, data: bytes, name: str) -> ImageHeader:
        """See `image_header`."""
        answer, _, format_ = self._ask({"header": True}, data, name)
        return ImageHeader(format_, answer["height"], answer["width"], answer["um_per_px"])

    def decode(self, data: bytes, name: str, patch_side_px: int | None = None) -> DecodedImage:
        """See `decode_image`."""
        answer, block, format_ = self._ask({"patch_side_px": patch_side_px}, data, name)
        rgb = np.frombuffer(block, np.uint8).reshape(answer["height"], answer["width"], 3)
        rgb.flags.writeable = False
        notes = tuple(_one_line(note) for note in answer["notes"][:_MAX_NOTES])
        return DecodedImage(rgb, format_, notes, answer["um_per_px"])

    def close(self) -> None:
        """End all children. A later picture starts new ones."""
        self.usual.close()
        self.large.close()

    def _ask(
        self, wanted: dict[str, Any], data: bytes, name: str
    ) -> tuple[dict[str, Any], bytes | bytearray, str]:
        """The child's answer (`idc.uploads.decoder_worker.answer`), its block, and the file's
        format."""
        name = printable_name(name)
        format_ = _format(data, name)
        question = {
            "format": format_,
            "header": False,
            "patch_side_px": None,
            "usual_pixels": self.usual.limits.max_pixels,
            "max_pixels": self.large.limits.max_pixels,
            "max_side_px": MAX_SIDE_PX,
            "max_swell": MAX_EXPANSION_RATIO,
        } | wanted
        first = self.large if len(data) > MAX_STANDARD_BYTES else self.usual
        answer, block = self._ask_pool(first, question, data, name)
        if answer.get("ok") is not True and answer.get("large"):
            answer, block = self._ask_pool(self.large, question, data, name)
        if answer.get("ok") is not True:
            raise UploadError(f"{name} {_one_line(answer['reason'])}.")
        return answer, block, format_

    def _ask_pool(
        self, pool: DecoderPool, question: dict[str, Any], data: bytes, name: str
    ) -> Answer:
        try:
            return pool.ask(question | {"large": pool is self.large}, data)
        except ChildTimeout as error:
            raise UploadTimeout(
                f"{name} takes longer than {pool.limits.time_s:g} s to read; "
                "save it as an 8-bit RGB PNG and try again."
            ) from error
        except AcquireTimeout as error:
            raise ServerBusy(
                f"{name} found the server busy with other pictures; try again in a minute."
            ) from error
        except ChildDied as error:
            raise UploadError(f"{name} {_UNREADABLE}.") from error


_gate = Gate()


def decode_image(
    data: bytes, name: str = "image", *, patch_side_px: int | None = None
) -> DecodedImage:
    """Decode a visitor's file.

    The format is told by the content, never by the name. Of a file with several pages or frames
    the first is used, and bytes behind the picture are ignored. Grey, palette, transparent (put on
    white), 16-bit, CMYK, turned and colour-managed pictures are converted, each with a note.
    Thread-safe; a patch takes about a millisecond, and `DECODERS` files are read at once. A picture
    of more than 16 million pixels takes its turn alone, in a child with larger limits.

    Args:
        data: the file, at most `MAX_FILE_BYTES`.
        name: what the visitor calls it, for the message.
        patch_side_px: refuse a picture with a longer side before it is decoded.

    Raises:
        SlowUpload: it took longer than its limit.
        ServerBusy: no decoder was free in time.
        UploadError: in one sentence, what is wrong and what to do.
    """
    return _gate.decode(data, name, patch_side_px)


def image_header(data: bytes, name: str = "image") -> ImageHeader:
    """Format, size and scale of a visitor's file, without its pixels.

    Args:
        data: the file, at most `MAX_FILE_BYTES`.
        name: what the visitor calls it, for the message.

    Raises:
        UploadError: as `decode_image`.
    """
    return _gate.header(data, name)


def looks_like_image(data: bytes) -> bool:
    """Whether a file begins like one of `FORMATS`; it may still be refused."""
    return any(re.match(pattern, data[:64], re.DOTALL) for pattern, _ in _SIGNATURES)


def warm_gate() -> None:
    """Start the child early, so that the first visitor does not wait for it.

    Raises:
        ChildDied: this machine cannot start a process.
    """
    _gate.usual.idle[-1].start()


def _format(data: bytes, name: str) -> str:
    """The format by its first bytes, one of `FORMATS`."""
    if not data:
        raise UploadError(f"{name} is empty; choose another file.")
    if len(data) > MAX_FILE_BYTES:
        megabytes = MAX_FILE_BYTES // 10**6
        raise UploadError(f"{name} is larger than {megabytes} MB; crop or shrink it and try again.")
    start = data[:1024]
    for pattern, format_ in _SIGNATURES:
        if re.match(pattern, start, re.DOTALL):
            return format_
    for pattern, what in _UNSUPPORTED_SIGNATURES:
        if re.match(pattern, start, re.DOTALL | re.IGNORECASE):
            raise UploadError(f"{name} is {what}, which cannot be read here; {_SAVE_AS_ADVICE}.")
    raise UploadError(f"{name} is not a PNG, JPEG, TIFF, BMP or WebP image; {_SAVE_AS_ADVICE}.")


def printable_name(name: str) -> str:
    """The last part of a path, short, without control characters and Markdown's signs."""
    last = re.split(r"[/\\]", name)[-1]
    last = "".join(c for c in last if c.isprintable() and c not in "*`[]<>|$~:#!").strip()
    if len(last) > 60:
        last = f"{last[:40]}…{last[-15:]}"
    return last or "The file"


def _one_line(text: object) -> str:
    """A sentence of the child's, as plain and short as ours would be."""
    return "".join(c for c in str(text) if c.isprintable())[:_MAX_SENTENCE_LENGTH]
