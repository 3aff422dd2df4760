"""The gate: the only place where files from visitors are decoded.

Image decoders are C code that reads untrusted bytes. The server itself examines only a file's
length and first bytes; a child process (`idc.uploads.decoder_worker`) decodes the pixels under
limits on memory, time and files. A file that crashes or hangs the process causes one refusal, and
the next file gets a new process. Several processes keep one hung file from blocking others, and
one more with larger limits decodes large images.

Only pixels and short notes are returned; all other content of a file (GPS position, names, an
appended zip) is dropped. One limitation: JPEG has no checksum, so an image that is damaged in the
middle but complete at the end is decoded as any viewer would show it.
"""

import re
from dataclasses import dataclass
from typing import Any

import numpy as np

from idc.errors import ServerBusy, UploadError, UploadTimeout
from idc.files.file_kinds import ARCHIVE_KIND, TEXT_KIND, FileKind, file_kind
from idc.patches import MAX_PATCH_SIDE_PX, PATCH_SIZE_PX
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
from idc.uploads.pixel_conversion import PREDICT_AS_SLIDE

MAX_FILE_BYTES = 200 * 10**6

FORMATS = ("PNG", "JPEG", "TIFF", "BMP", "WEBP")

_NO_IMAGE = "is not a PNG, JPEG, TIFF, BMP or WebP image"
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


class LargerThanPatch(UploadError):
    """An image is a region, but a patch is wanted.

    Attributes:
        name: the file's name, printable.
        width, height: in px.
    """

    def __init__(self, name: str, width: int, height: int) -> None:
        super().__init__(
            f"{name} is {width} x {height} px, which is larger than a patch; upload it alone, as a "
            "region, or crop a patch from it."
        )
        self.name, self.width, self.height = name, width, height


@dataclass(frozen=True)
class ImageHeader:
    """The header of a visitor's image; its pixels may still be damaged.

    Attributes:
        format: one of `FORMATS`, by content.
        height, width: in pixels, after rotation to upright.
        mpp_um: micrometres per pixel that the file states, [0.05, 16], see
            `idc.uploads.resolution`; None if missing or implausible for tissue.
    """

    format: str
    height: int
    width: int
    mpp_um: float | None


@dataclass(frozen=True)
class DecodedImage:
    """A visitor's image, upright, opaque, in sRGB.

    Attributes:
        rgb: uint8 RGB, shape (height, width, 3), 0 .. 255; not writable.
        format: one of `FORMATS`, by content.
        notes: one sentence per conversion, and on statements of the scale that disagree.
        mpp_um: as in `ImageHeader`.
        scale_note: the note on the scale alone; "" if there is none.
    """

    rgb: np.ndarray
    format: str
    notes: tuple[str, ...]
    mpp_um: float | None = None
    scale_note: str = ""


class Gate:
    """The decoder processes and their limits."""

    def __init__(
        self,
        *,
        standard: DecodeLimits = STANDARD_LIMITS,
        large: DecodeLimits = LARGE_LIMITS,
        decoders: int = DECODERS,
        images_per_child: int = IMAGES_PER_CHILD,
    ) -> None:
        self.standard = DecoderPool(standard, decoders, images_per_child)
        self.large = DecoderPool(large, 1, 1)  # one image per process, which frees its memory

    def header(self, data: bytes, name: str) -> ImageHeader:
        """See `image_header`."""
        answer, _, format_ = self._ask({"header": True}, data, name)
        return ImageHeader(format_, answer["height"], answer["width"], answer["um_per_px"])

    def decode(self, data: bytes, name: str, patch_side_px: int | None = None) -> DecodedImage:
        """See `decode_image`."""
        answer, block, format_ = self._ask({"patch_side_px": patch_side_px}, data, name)
        rgb = np.frombuffer(block, np.uint8).reshape(answer["height"], answer["width"], 3)
        rgb.flags.writeable = False
        scale_note = _one_line(answer["scale_note"])
        notes = [*([scale_note] if scale_note else []), *map(_one_line, answer["notes"])]
        return DecodedImage(
            rgb, format_, tuple(notes[:_MAX_NOTES]), answer["um_per_px"], scale_note
        )

    def close(self) -> None:
        """End all processes. A later image starts new ones."""
        self.standard.close()
        self.large.close()

    def _ask(
        self, options: dict[str, Any], data: bytes, name: str
    ) -> tuple[dict[str, Any], bytes | bytearray, str]:
        """The answer of `idc.uploads.decoder_worker.answer`, its block, and the file's format."""
        name = printable_name(name)
        format_ = _format(data, name)
        request = {
            "format": format_,
            "header": False,
            "patch_side_px": None,
            "standard_pixels": self.standard.limits.max_pixels,
            "max_pixels": self.large.limits.max_pixels,
            "max_side_px": MAX_SIDE_PX,
            "max_expansion_ratio": MAX_EXPANSION_RATIO,
        } | options
        first = self.large if len(data) > MAX_STANDARD_BYTES else self.standard
        answer, block = self._ask_pool(first, request, data, name)
        if answer.get("ok") is not True and answer.get("large"):
            answer, block = self._ask_pool(self.large, request, data, name)
        if "larger_than_patch" in answer:
            width, height = answer["larger_than_patch"]
            raise LargerThanPatch(name, int(width), int(height))
        if answer.get("ok") is not True:
            raise UploadError(f"{name} {_one_line(answer['reason'])}.")
        return answer, block, format_

    def _ask_pool(
        self, pool: DecoderPool, request: dict[str, Any], data: bytes, name: str
    ) -> Answer:
        try:
            return pool.ask(request | {"large": pool is self.large}, data)
        except ChildTimeout as error:
            raise UploadTimeout(
                f"{name} takes longer than {pool.limits.time_s:g} s to read; "
                "save it as an 8-bit RGB PNG and try again."
            ) from error
        except AcquireTimeout as error:
            raise ServerBusy(
                f"{name} was not read because the server is busy; try again in a minute."
            ) from error
        except ChildDied as error:
            raise UploadError(f"{name} {_UNREADABLE}.") from error


_gate = Gate()


def decode_image(
    data: bytes, name: str = "image", *, patch_side_px: int | None = None
) -> DecodedImage:
    """Decode a visitor's file.

    The format is detected by content, never by name. Of several pages or frames the first is used;
    bytes after the image are ignored. Grey, palette, transparent (put on white), 16-bit, CMYK,
    rotated and colour-managed images are converted, each with a note. Thread-safe; a patch takes
    about 1 ms, and `DECODERS` files are decoded at once. Images of more than 16 million pixels are
    decoded one at a time, in a process with larger limits.

    Args:
        data: the file, at most `MAX_FILE_BYTES`.
        name: the file's name, for messages.
        patch_side_px: refuse an image with a longer side before it is decoded.

    Raises:
        UploadTimeout: decoding exceeded its time limit.
        ServerBusy: no decoder was free in time.
        UploadError: the file is refused; the message is one sentence with the problem and remedy.
    """
    return _gate.decode(data, name, patch_side_px)


def decode_patch_image(
    data: bytes, name: str = "image", side_px: int = PATCH_SIZE_PX
) -> DecodedImage:
    """Decode an image that is meant as one patch.

    Args:
        side_px: of the model's patches. The image may have twice this side, and in any case
            `idc.patches.MAX_PATCH_SIDE_PX`. The other arguments are those of `decode_image`.

    Raises:
        LargerThanPatch: a side is longer; squeezed into a patch it would get a meaningless answer.
        UploadError: as `decode_image`.
    """
    return decode_image(data, name, patch_side_px=max(MAX_PATCH_SIDE_PX, 2 * side_px))


def image_header(data: bytes, name: str = "image") -> ImageHeader:
    """Format, size and scale of a visitor's file, without its pixels.

    Args:
        data: the file, at most `MAX_FILE_BYTES`.
        name: the file's name, for messages.

    Raises:
        UploadError: as `decode_image`.
    """
    return _gate.header(data, name)


def looks_like_image(data: bytes) -> bool:
    """Whether a file has the signature of one of `FORMATS`; it may still be refused."""
    return any(re.match(pattern, data[:64], re.DOTALL) for pattern, _ in _SIGNATURES)


def warm_gate() -> None:
    """Start a decoder process in advance, so that the first visitor does not wait for it.

    Raises:
        ChildDied: this machine cannot start a process.
    """
    _gate.standard.idle_children[-1].start()


def _format(data: bytes, name: str) -> str:
    """The format by its first bytes, one of `FORMATS`."""
    if not data:
        raise UploadError(f"{name} is empty; choose another file.")
    if len(data) > MAX_FILE_BYTES:
        megabytes = MAX_FILE_BYTES // 10**6
        raise UploadError(f"{name} is larger than {megabytes} MB; {PREDICT_AS_SLIDE}.")
    start = data[:1024]
    for pattern, format_ in _SIGNATURES:
        if re.match(pattern, start, re.DOTALL):
            return format_
    raise UploadError(f"{name} {_refusal(file_kind(data))}.")


def _refusal(kind: FileKind | None) -> str:
    """Why a file of no accepted format is refused, as the rest of a sentence after its name."""
    if kind is None:
        return f"{_NO_IMAGE}; {_SAVE_AS_ADVICE}"
    if kind.group == TEXT_KIND:
        return f"{_NO_IMAGE} but {kind.what}; choose an image"
    if kind.group == ARCHIVE_KIND:
        return kind.refusal("choose the images inside")
    if kind.cause:
        return kind.refusal("choose an image")
    return f"is {kind.what}, which cannot be read here; {_SAVE_AS_ADVICE}"


def printable_name(name: str) -> str:
    """The last part of a path, shortened, without control and Markdown characters."""
    last = re.split(r"[/\\]", name)[-1]
    last = "".join(c for c in last if c.isprintable() and c not in "*`[]<>|$~:#!").strip()
    if len(last) > 60:
        last = f"{last[:40]}…{last[-15:]}"
    return last or "The file"


def _one_line(text: object) -> str:
    """A sentence from a decoder process, printable and at most 200 characters long."""
    return "".join(c for c in str(text) if c.isprintable())[:_MAX_SENTENCE_LENGTH]
