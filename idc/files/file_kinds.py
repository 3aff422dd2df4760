"""What a file is, by its content: archives, documents, pages and images of other kinds.

Names lie: a login page is saved as ``data.zip``, a tar archive as ``data.tar.gz.zip``. At most the
first `HEAD_BYTES` are examined. To find a tar archive inside gzip, bzip2 or xz, its first header
is unpacked, in bounded memory.
"""

import bz2
import lzma
import re
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

HEAD_BYTES = 2**20

IMAGE_KIND, ARCHIVE_KIND, TEXT_KIND, OTHER_KIND = "image", "archive", "text", "other"

ZIP_METHODS = {  # APPNOTE.TXT 6.3.10, section 4.4.5
    1: "Shrink",
    6: "Implode",
    9: "Deflate64",
    10: "PKWARE DCL",
    12: "bzip2",
    14: "LZMA",
    93: "Zstandard",
    94: "MP3",
    95: "XZ",
    96: "JPEG",
    97: "WavPack",
    98: "PPMd",
    99: "AES encryption",
}
READABLE_ZIP_METHODS = (
    zipfile.ZIP_STORED,
    zipfile.ZIP_DEFLATED,
    zipfile.ZIP_BZIP2,
    zipfile.ZIP_LZMA,
)

ARCHIVE_SUFFIXES = (
    *(".zip", ".tar", ".tgz", ".tbz", ".tbz2", ".txz"),
    *(".gz", ".bz2", ".xz", ".zst", ".7z", ".rar"),
)

_TAR_BLOCK_BYTES = 512
_XZ_MEMORY_BYTES = 2**27
_TEXT_BYTES = 2**12
_MIN_TEXT_CHARACTERS = 8  # fewer bytes may be letters by chance


@dataclass(frozen=True)
class FileKind:
    """A kind of file.

    Attributes:
        what: with its article: "a tar archive".
        group: `IMAGE_KIND`, `ARCHIVE_KIND`, `TEXT_KIND` or `OTHER_KIND`.
        cause: how such a file comes to a place where another was meant; "" if unknown.
    """

    what: str
    group: str = OTHER_KIND
    cause: str = ""

    def refusal(self, advice: str) -> str:
        """ "is a tar archive; unpack it and ..." for an archive; else what it is, and the advice.

        Args:
            advice: what to do, for an archive after it is unpacked: "give the folder".
        """
        if self.group == ARCHIVE_KIND:
            return f"is {self.what}; unpack it and {advice}"
        return f"is {self.what}{self.cause}; {advice}"


ZIP_KIND = FileKind("a zip archive or an office document", ARCHIVE_KIND)
_TAR = FileKind("a tar archive", ARCHIVE_KIND)
_TEXT = FileKind("a text file", TEXT_KIND)
_PAGE = FileKind("a web page", cause=" (a login or error page that was saved instead of the file?)")

_SIGNATURES: tuple[tuple[bytes, FileKind], ...] = (  # what a file begins with
    (rb"PK(\x03\x04|\x05\x06|\x07\x08)", ZIP_KIND),
    (rb"\x1f\x8b", FileKind("a gzip file", ARCHIVE_KIND)),
    (rb"BZh[1-9]", FileKind("a bzip2 file", ARCHIVE_KIND)),
    (rb"\xfd7zXZ\0", FileKind("an xz file", ARCHIVE_KIND)),
    (rb"\x28\xb5\x2f\xfd", FileKind("a Zstandard file", ARCHIVE_KIND)),
    (rb"7z\xbc\xaf\x27\x1c", FileKind("a 7z archive", ARCHIVE_KIND)),
    (rb"Rar!\x1a\x07", FileKind("a RAR archive", ARCHIVE_KIND)),
    (rb"\x1f[\x9d\xa0]", FileKind("a file of compress (.Z)", ARCHIVE_KIND)),
    (rb"LZIP", FileKind("an lzip file", ARCHIVE_KIND)),
    (rb"MSCF", FileKind("a cabinet archive", ARCHIVE_KIND)),
    (rb"[\s\xef\xbb\xbf]*<(svg|!doctype svg|\?xml.*<svg)", FileKind("an SVG drawing", IMAGE_KIND)),
    (
        rb"[\s\xef\xbb\xbf]*(<!--.*?-->\s*)*<(!doctype html|html|head|body|script|meta|title)\b",
        _PAGE,
    ),
    (rb"[\s\xef\xbb\xbf]*<\?xml.*<html", _PAGE),
    (rb"[\s\xef\xbb\xbf]*<\?xml", FileKind("an XML document")),
    (rb"%PDF", FileKind("a PDF document")),
    (rb"\x89HDF\r\n\x1a\n", FileKind("an HDF5 file")),
    (rb"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", FileKind("an old office document")),
    (rb"\x89PNG\r\n\x1a\n", FileKind("a PNG image", IMAGE_KIND)),
    (rb"\xff\xd8\xff", FileKind("a JPEG image", IMAGE_KIND)),
    (rb"II[*+]\0|MM\0[*+]", FileKind("a TIFF image", IMAGE_KIND)),
    (rb"RIFF....WEBP", FileKind("a WebP image", IMAGE_KIND)),
    (rb"GIF8", FileKind("a GIF image", IMAGE_KIND)),
    (rb"....ftyp(heic|heix|heif|mif1|msf1)", FileKind("a HEIC photo", IMAGE_KIND)),
    (rb"....ftypavi[fs]", FileKind("an AVIF image", IMAGE_KIND)),
    (rb"....jP  |\xff\x4f\xff\x51", FileKind("a JPEG 2000 image", IMAGE_KIND)),
    (rb"\xff\x0a|....JXL ", FileKind("a JPEG XL image", IMAGE_KIND)),
    (rb"8BPS", FileKind("a Photoshop document", IMAGE_KIND)),
    (rb"\0\0\x01\0", FileKind("an icon", IMAGE_KIND)),
    (rb".{128}DICM", FileKind("a DICOM file", IMAGE_KIND)),
)
_MAGIC = tuple(
    (re.compile(pattern, re.DOTALL | re.IGNORECASE), kind) for pattern, kind in _SIGNATURES
)


def file_kind(head: bytes) -> FileKind | None:
    """What a file is; None if its content tells nothing.

    Args:
        head: its first bytes; the first `HEAD_BYTES` are enough.
    """
    head = head[:HEAD_BYTES]
    if _holds_tar(head):
        return _TAR
    start = head[:_TEXT_BYTES]
    for pattern, kind in _MAGIC:
        if pattern.match(start):
            return kind
    return _TEXT if _is_text(start) else None


def kind_of_file(path: Path) -> FileKind | None:
    """`file_kind` of a file on disk; None too if it cannot be read."""
    try:
        with path.open("rb") as file:
            return file_kind(file.read(HEAD_BYTES))
    except OSError:
        return None


def zip_method_name(method: int) -> str:
    """The name of a zip's compression method: "Deflate64"."""
    return ZIP_METHODS.get(method, f"compression method {method}")


def _holds_tar(head: bytes) -> bool:
    """Whether it is a tar archive, or one that is compressed."""
    openers: dict[bytes, Callable[[], bytes]] = {
        b"\x1f\x8b": lambda: zlib.decompressobj(31).decompress(head, _TAR_BLOCK_BYTES),
        b"BZ": lambda: bz2.BZ2Decompressor().decompress(head, _TAR_BLOCK_BYTES),
        b"\xfd7": lambda: lzma.LZMADecompressor(memlimit=_XZ_MEMORY_BYTES).decompress(
            head, _TAR_BLOCK_BYTES
        ),
    }
    unpack = openers.get(head[:2])
    if unpack is None:
        return _is_tar_header(head[:_TAR_BLOCK_BYTES])
    try:
        return _is_tar_header(unpack())
    except (zlib.error, lzma.LZMAError, OSError, ValueError, EOFError, MemoryError):
        return False  # damaged: what it was meant to hold is unknown


def _is_tar_header(block: bytes) -> bool:
    """Whether a tar archive begins with these 512 bytes: their sum is stated at 148."""
    if len(block) < _TAR_BLOCK_BYTES or not block[0]:
        return False
    stated = re.match(rb"[ \0]*([0-7]{1,7})[ \0]", block[148:156] + b"\0")
    return stated is not None and int(stated[1], 8) == sum(block) - sum(block[148:156]) + 8 * 32


def _is_text(start: bytes) -> bool:
    """Whether it is readable text in UTF-8 or, with a byte order mark, UTF-16."""
    encoding = "utf-16" if start[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8"
    try:
        text = start.decode(encoding, "strict" if len(start) < _TEXT_BYTES else "ignore")
    except UnicodeDecodeError:
        return False
    return len(text) >= _MIN_TEXT_CHARACTERS and all(
        c.isprintable() or c in "\t\r\n\f\ufeff" for c in text
    )
