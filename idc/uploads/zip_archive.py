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
from idc.files.zip_reader import DirectoryTooLarge, Members, TooManyMembers, ZipReader
from idc.uploads.gate import printable_name

MAX_MEMBERS = 20_000  # folders included
MAX_DIRECTORY_BYTES = 500 * MAX_MEMBERS  # names and extra fields; each may have 64 kB otherwise
MAX_UNPACKED_BYTES = 500 * 10**6
MAX_MEMBER_BYTES = 32 * 2**20
MAX_COMPRESSION_RATIO = 100  # unpacked to packed, once it comes to ...
MIN_RATIO_BYTES = 10**6  # ... so much: blank pictures without compression are small

_COMPRESSION_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_REGULAR_FILE = 8
_MAKE_ANEW = "make the zip anew from the pictures alone and try again"
_IN_PARTS = "send it in parts"
_UNREADABLE = (zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError, RuntimeError)
_SYSTEM_FILES = re.compile(
    r"(^|/)(__MACOSX/|\.DS_Store$|\._|Thumbs\.db$|desktop\.ini$)", re.IGNORECASE
)
_PATH_TRAVERSAL = re.compile(r"^/|^[A-Za-z]:|(^|/)\.\.(/|$)|[\0-\x1f]")


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
        except DirectoryTooLarge as error:
            raise UploadError(
                f"{shown} has a list of names of more than {MAX_DIRECTORY_BYTES // 10**6} MB, "
                f"longer than pictures need; {_MAKE_ANEW}, with shorter names."
            ) from error
        except NotImplementedError as error:
            raise UploadError(f"{shown} is a zip of a rare kind; {_MAKE_ANEW}.") from error
        except (zipfile.BadZipFile, ValueError) as error:
            raise UploadError(f"{shown} is damaged or cut short; {_MAKE_ANEW}.") from error
        wrong = _problem(self._reader, paths)
        if wrong:
            raise UploadError(f"{shown} {wrong}.")
        wanted = [number for number, path in enumerate(paths) if not _SYSTEM_FILES.search(path)]
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
                f"{printable_name(self.names[place])} is damaged inside the zip; {_MAKE_ANEW}."
            ) from error


def looks_like_zip(data: bytes) -> bool:
    """Whether a file begins like a zip, an empty one included; it may still be refused."""
    return data[:4] in (b"PK\3\4", b"PK\5\6")


def _problem(reader: ZipReader, paths: list[str]) -> str:
    """The rest of a sentence that begins with the zip's name; "" when nothing is."""
    members = reader.members()
    return (
        _directory_problem(reader)
        or _size_problem(members)
        or _kind_problem(members, paths)
        or _name_problem(paths)
    )


def _directory_problem(reader: ZipReader) -> str:
    found = reader.found
    if not found.records_agree or found.members % 2**16 != reader.entries % 2**16:
        return f"says that it holds other files than it lists; {_MAKE_ANEW}"
    if found.shift:
        return f"has something else before its first file; {_MAKE_ANEW}"
    return ""


def _size_problem(members: Members) -> str:
    packed, size = members.packed, members.size
    if (packed > members.room).any():
        return f"holds files that overlap, as no packing program writes them; {_MAKE_ANEW}"
    if (size > MAX_MEMBER_BYTES).any():
        return f"holds a file of more than {MAX_MEMBER_BYTES // 2**20} MiB; upload that one alone"
    # Sizes are up to 2**62, so their sum does not fit int64; none is larger than this by now.
    total = int(size.sum())
    if total > MAX_UNPACKED_BYTES:
        return f"would unpack to more than {MAX_UNPACKED_BYTES // 10**6} MB; {_IN_PARTS}"
    swelling = (size >= MIN_RATIO_BYTES) & (size > MAX_COMPRESSION_RATIO * packed)
    if swelling.any() or (
        total >= MIN_RATIO_BYTES and total > MAX_COMPRESSION_RATIO * int(packed.sum())
    ):
        return (
            f"would swell to more than {MAX_COMPRESSION_RATIO} times its size, as no pictures "
            f"do; {_MAKE_ANEW}"
        )
    return ""


def _kind_problem(members: Members, paths: list[str]) -> str:
    if members.encrypted().any():
        return "is protected by a password; make it without one and try again"
    odd = _first_marked(~np.isin(members.kind, (0, _REGULAR_FILE)), paths)
    if odd is not None:
        return f"holds '{odd}', which is a link and no file; {_MAKE_ANEW}"
    if not np.isin(members.method, _COMPRESSION_METHODS).all():
        return f"is packed in a rare way; {_MAKE_ANEW}, with Deflate"
    return ""


def _name_problem(paths: list[str]) -> str:
    outside = _first_marked((bool(_PATH_TRAVERSAL.search(path)) for path in paths), paths)
    if outside is not None:
        return f"holds '{outside}' under a name that leads out of the zip; {_MAKE_ANEW}"
    seen: set[str] = set()
    for path in paths:
        if path in seen:
            return f"holds two files of one name, '{printable_name(path)}'; {_MAKE_ANEW}"
        seen.add(path)
    return ""


def _first_marked(marked: Iterable[bool], paths: list[str]) -> str | None:
    """The first path that is marked, fit to be shown."""
    found = next((path for path, mark in zip(paths, marked, strict=True) if mark), None)
    return None if found is None else printable_name(found)
