"""A visitor's zip: looked at as a whole before anything of it is unpacked, and never to disk.

The directory is read by our own code (`idc.files.zip_reader`), members are unpacked by zlib alone,
one at a time and never further than they say. What no honest program writes costs the whole zip; a
member that merely is no picture costs itself (`idc.uploads.gate`), a zip inside a zip included.
"""

import re
import zipfile
import zlib
from collections.abc import Iterable

import numpy as np

from idc.errors import UploadError
from idc.files.zip_reader import LargeDirectory, Members, TooManyMembers, ZipReader
from idc.uploads.gate import printable_name

MAX_MEMBERS = 20_000  # folders included
MAX_DIRECTORY_BYTES = 500 * MAX_MEMBERS  # names and extra fields; each may have 64 kB otherwise
MAX_UNPACKED_BYTES = 500 * 10**6
MAX_MEMBER_BYTES = 32 * 2**20
MAX_RATIO = 100  # unpacked to packed, once it comes to ...
RATIO_FROM_BYTES = 10**6  # ... so much: blank pictures without compression are small

_PACKINGS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_FILE = 8
_ANEW = "make the zip anew from the pictures alone and try again"
_IN_PARTS = "send it in parts"
_UNREADABLE = (zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError, RuntimeError)
_LITTER = re.compile(r"(^|/)(__MACOSX/|\.DS_Store$|\._|Thumbs\.db$|desktop\.ini$)", re.IGNORECASE)
_OUTSIDE = re.compile(r"^/|^[A-Za-z]:|(^|/)\.\.(/|$)|[\0-\x1f]")


class UploadedZip:
    """A zip that passed all checks.

    Args:
        data: the zip.
        name: what the visitor calls it.

    Attributes:
        names: every member's path, "/" between folders; folders and what systems leave behind
            (``__MACOSX``, ``Thumbs.db``) are left out.

    Raises:
        UploadError: in one sentence, why it is refused.
    """

    def __init__(self, data: bytes, name: str) -> None:
        shown = printable_name(name)
        try:
            self._reader = ZipReader(
                data, max_members=MAX_MEMBERS, max_directory_bytes=MAX_DIRECTORY_BYTES
            )
            paths = [path.replace("\\", "/") for path in self._reader.names()]
        except TooManyMembers as error:
            raise UploadError(
                f"{shown} lists more than {MAX_MEMBERS:,} files; {_IN_PARTS}."
            ) from error
        except LargeDirectory as error:
            raise UploadError(
                f"{shown} has a list of names of more than {MAX_DIRECTORY_BYTES // 10**6} MB, "
                f"longer than pictures need; {_ANEW}, with shorter names."
            ) from error
        except NotImplementedError as error:
            raise UploadError(f"{shown} is a zip of a rare kind; {_ANEW}.") from error
        except (zipfile.BadZipFile, ValueError) as error:
            raise UploadError(f"{shown} is damaged or cut short; {_ANEW}.") from error
        wrong = _what_is_wrong(self._reader, paths)
        if wrong:
            raise UploadError(f"{shown} {wrong}.")
        wanted = [number for number, path in enumerate(paths) if not _LITTER.search(path)]
        self._numbers = wanted
        self.names = [paths[number] for number in wanted]
        if not wanted:
            raise UploadError(f"{shown} holds no file; put pictures into it and try again.")

    def read(self, place: int) -> bytes:
        """The bytes of ``names[place]``, compared with their checksum.

        Raises:
            UploadError: it is damaged, or not as the directory says.
        """
        try:
            return self._reader.read(self._numbers[place], MAX_MEMBER_BYTES)
        except (
            zipfile.BadZipFile,
            zlib.error,
            EOFError,
            OSError,
            ValueError,
            RuntimeError,
        ) as error:
            raise UploadError(
                f"{printable_name(self.names[place])} is damaged inside the zip; {_ANEW}."
            ) from error


def looks_like_zip(data: bytes) -> bool:
    """Whether a file begins like a zip, an empty one included; it may still be refused."""
    return data[:4] in (b"PK\3\4", b"PK\5\6")


def _what_is_wrong(reader: ZipReader, paths: list[str]) -> str:
    """The rest of a sentence that begins with the zip's name; "" when nothing is."""
    members = reader.members()
    return (
        _wrong_end(reader)
        or _wrong_sizes(members)
        or _wrong_kinds(members, paths)
        or _wrong_names(paths)
    )


def _wrong_end(reader: ZipReader) -> str:
    found = reader.found
    if not found.agrees or found.members % 2**16 != reader.entries % 2**16:
        return f"says that it holds other files than it lists; {_ANEW}"
    if found.shift:
        return f"has something else before its first file; {_ANEW}"
    return ""


def _wrong_sizes(members: Members) -> str:
    packed, size = members.packed, members.size
    if (packed > members.room).any():
        return f"holds files that overlap, as no packing program writes them; {_ANEW}"
    if (size > MAX_MEMBER_BYTES).any():
        return f"holds a file of more than {MAX_MEMBER_BYTES // 2**20} MiB; upload that one alone"
    # Sizes are up to 2**62, so their sum does not fit int64; none is larger than this by now.
    total = int(size.sum())
    if total > MAX_UNPACKED_BYTES:
        return f"would unpack to more than {MAX_UNPACKED_BYTES // 10**6} MB; {_IN_PARTS}"
    swelling = (size >= RATIO_FROM_BYTES) & (size > MAX_RATIO * packed)
    if swelling.any() or (total >= RATIO_FROM_BYTES and total > MAX_RATIO * int(packed.sum())):
        return f"would swell to more than {MAX_RATIO} times its size, as no pictures do; {_ANEW}"
    return ""


def _wrong_kinds(members: Members, paths: list[str]) -> str:
    if members.encrypted().any():
        return "is protected by a password; make it without one and try again"
    odd = _first(~np.isin(members.kind, (0, _FILE)), paths)
    if odd is not None:
        return f"holds '{odd}', which is a link and no file; {_ANEW}"
    if not np.isin(members.method, _PACKINGS).all():
        return f"is packed in a rare way; {_ANEW}, with Deflate"
    return ""


def _wrong_names(paths: list[str]) -> str:
    outside = _first((bool(_OUTSIDE.search(path)) for path in paths), paths)
    if outside is not None:
        return f"holds '{outside}' under a name that leads out of the zip; {_ANEW}"
    seen: set[str] = set()
    for path in paths:
        if path in seen:
            return f"holds two files of one name, '{printable_name(path)}'; {_ANEW}"
        seen.add(path)
    return ""


def _first(marked: Iterable[bool], paths: list[str]) -> str | None:
    """The first path that is marked, fit to be shown."""
    found = next((path for path, mark in zip(paths, marked, strict=True) if mark), None)
    return None if found is None else printable_name(found)
