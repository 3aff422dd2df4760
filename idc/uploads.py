"""The gate: every byte from a visitor is decoded here, and nowhere else.

A decoder is C code that reads what a stranger wrote. So the server itself looks at no more than a
file's length and first bytes; the pixels are decoded by a child process (`idc.decoding`) under
limits of memory, time and files. A file that kills or hangs the child costs one refusal, and the
next file finds a new child.

What comes back is pixels and short notes alone. Whatever else a file carries (places, names, a zip
behind the picture) ends here. One thing cannot be seen: JPEG has no checksum, so a picture whose
middle is damaged but whose end is there is decoded as any viewer would show it.
"""

import re
from dataclasses import dataclass
from typing import Any

import numpy as np

from idc.child import Child, ChildDied, ChildTimeout
from idc.errors import UploadError
from idc.resolution import plausible_um

MAX_FILE_BYTES = 20 * 10**6
MAX_PIXELS = 16 * 10**6
MAX_SIDE_PX = 16_384
MAX_MEMORY_BYTES = 512 * 2**20  # address space of the child; the largest images need 300
TIME_LIMIT_S = 8.0  # start included; the largest images take 1 s, more beside a training
IMAGES_PER_CHILD = 500

FORMATS = ("PNG", "JPEG", "TIFF", "BMP", "WEBP")

_MAX_NOTES = 8
_MAX_SENTENCE_LENGTH = 200
_SAVE_AS = "save it as PNG, JPEG, TIFF, BMP or WebP and try again"
_UNREADABLE = "could not be read safely; save it as an 8-bit RGB PNG and try again"

# A loader may need these to find its libraries. Everything else, secrets above all, stays here.
_INHERIT = ("LANG", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "PYTHONHOME", "PYTHONPATH")

_STARTS = (  # what a file begins with, and its format
    (rb"\x89PNG\r\n\x1a\n", "PNG"),
    (rb"\xff\xd8\xff", "JPEG"),
    (rb"II[*+]\0|MM\0[*+]", "TIFF"),  # + is BigTIFF
    (rb"BM", "BMP"),
    (rb"RIFF....WEBP", "WEBP"),
)
_OTHER_STARTS = (  # files that people take for an image that can be read
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
class DecodedImage:
    """A visitor's picture, upright, opaque, in sRGB.

    Args:
        rgb: uint8 RGB, shape (height, width, 3), 0 .. 255; not writable.
        format: one of `FORMATS`, by content.
        notes: one sentence for each conversion that was made.
        um_per_px: micrometres per pixel by the file's resolution tags, [0.05, 16]; None where it
            says none, or one that no image of tissue has.
    """

    rgb: np.ndarray
    format: str
    notes: tuple[str, ...]
    um_per_px: float | None = None


class Gate:
    """A child that decodes one image at a time, and the limits that it works under."""

    def __init__(
        self,
        *,
        time_limit_s: float = TIME_LIMIT_S,
        max_memory_bytes: int = MAX_MEMORY_BYTES,
        images_per_child: int = IMAGES_PER_CHILD,
    ) -> None:
        self._time_limit_s = time_limit_s
        self._max_memory_bytes = max_memory_bytes
        self.child = Child(
            "idc.decoding",
            inherit=_INHERIT,
            max_answer_bytes=3 * MAX_PIXELS,
            max_questions=images_per_child,
        )

    def decode(self, data: bytes, name: str) -> DecodedImage:
        """See `decode_image`."""
        name = _printable_name(name)
        format_ = _format(data, name)
        try:
            header, block = self._ask(format_, data)
        except ChildTimeout as error:
            raise UploadError(
                f"{name} takes longer than {self._time_limit_s:g} s to read; "
                "save it as an 8-bit RGB PNG and try again."
            ) from error
        except ChildDied as error:
            raise UploadError(f"{name} {_UNREADABLE}.") from error
        if header.get("ok") is False:
            raise UploadError(f"{name} {_one_line(header.get('reason'))}.")
        return self._image(header, block, format_, name)

    def _ask(self, format_: str, data: bytes) -> tuple[dict[str, Any], bytes]:
        question = {
            "format": format_,
            "max_pixels": MAX_PIXELS,
            "max_side_px": MAX_SIDE_PX,
            "max_memory_bytes": self._max_memory_bytes,
        }
        try:
            return self.child.ask(question, data, timeout_s=self._time_limit_s)
        except ChildDied:
            # Once more: the child may have been dead or dying before it saw this file.
            return self.child.ask(question, data, timeout_s=self._time_limit_s)

    def _image(self, header: dict[str, Any], block: bytes, format_: str, name: str) -> DecodedImage:
        """Believe nothing: the child may speak for whoever made the file."""
        height, width, notes = (header.get(key) for key in ("height", "width", "notes"))
        if (
            not isinstance(height, int)
            or not isinstance(width, int)
            or not isinstance(notes, list)
            or not (0 < height <= MAX_SIDE_PX and 0 < width <= MAX_SIDE_PX)
            or not height * width * 3 == len(block) <= 3 * MAX_PIXELS
        ):
            self.child.close()
            raise UploadError(f"{name} {_UNREADABLE}.")
        rgb = np.frombuffer(block, np.uint8).reshape(height, width, 3)
        notes = tuple(_one_line(note) for note in notes[:_MAX_NOTES])
        return DecodedImage(rgb, format_, notes, plausible_um(header.get("um_per_px")))


_gate = Gate()


def decode_image(data: bytes, name: str = "image") -> DecodedImage:
    """Decode a visitor's file.

    The format is told by the content, never by the name. Of a file with several pages or frames
    the first is used, and bytes behind the picture are ignored. Grey, palette, transparent (put on
    white), 16-bit, CMYK, turned and colour-managed pictures are converted, each with a note.
    Thread-safe; images are decoded one after the other, a patch in about a millisecond.

    Args:
        data: the file, at most `MAX_FILE_BYTES`.
        name: what the visitor calls it, for the message.

    Raises:
        UploadError: in one sentence, what is wrong and what to do.
    """
    return _gate.decode(data, name)


def looks_like_image(data: bytes) -> bool:
    """Whether a file begins like one of `FORMATS`; it may still be refused."""
    return any(re.match(pattern, data[:64], re.DOTALL) for pattern, _ in _STARTS)


def warm_gate() -> None:
    """Start the child early, so that the first visitor does not wait for it.

    Raises:
        ChildDied: this machine cannot start a process.
    """
    _gate.child.start()


def _format(data: bytes, name: str) -> str:
    """The format by its first bytes, one of `FORMATS`."""
    if not data:
        raise UploadError(f"{name} is empty; choose another file.")
    if len(data) > MAX_FILE_BYTES:
        megabytes = MAX_FILE_BYTES // 10**6
        raise UploadError(f"{name} is larger than {megabytes} MB; crop or shrink it and try again.")
    start = data[:1024]
    for pattern, format_ in _STARTS:
        if re.match(pattern, start, re.DOTALL):
            return format_
    for pattern, what in _OTHER_STARTS:
        if re.match(pattern, start, re.DOTALL | re.IGNORECASE):
            raise UploadError(f"{name} is {what}, which cannot be read here; {_SAVE_AS}.")
    raise UploadError(f"{name} is not a PNG, JPEG, TIFF, BMP or WebP image; {_SAVE_AS}.")


def _printable_name(name: str) -> str:
    """The last part of a path, short, without control characters and Markdown's signs."""
    last = re.split(r"[/\\]", name)[-1]
    last = "".join(c for c in last if c.isprintable() and c not in "*`[]<>|$~:#!").strip()
    if len(last) > 60:
        last = f"{last[:40]}…{last[-15:]}"
    return last or "The file"


def _one_line(text: object) -> str:
    """A sentence of the child's, as plain and short as ours would be."""
    return "".join(c for c in str(text) if c.isprintable())[:_MAX_SENTENCE_LENGTH]
