"""A visitor's zip: validated as a whole before any member is unpacked, and never written to disk.

`idc.files.zip_reader` reads the directory. Members are decompressed by zlib alone, one at a time,
and never beyond their stated size. A structure that no ordinary program writes refuses the whole
zip; a member that is not an image, including a nested zip, is refused alone (`idc.uploads.gate`).
"""

import re
import zipfile
import zlib
from collections.abc import Iterable

import numpy as np

from idc.errors import UploadError
from idc.files.file_kinds import zip_method_name
from idc.files.zip_reader import DirectoryTooLarge, Members, TooManyMembers, ZipReader
from idc.uploads.gate import printable_name

MAX_MEMBERS = 20_000  # folders included
MAX_DIRECTORY_BYTES = 500 * MAX_MEMBERS  # names and extra fields, else up to 64 kB each
MAX_UNPACKED_BYTES = 500 * 10**6
MAX_MEMBER_BYTES = 32 * 2**20
MAX_COMPRESSION_RATIO = 100  # unpacked to packed, checked from ...
MIN_RATIO_BYTES = 10**6  # ... this size: small blank images compress further

_COMPRESSION_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_REGULAR_FILE = 8
_RECREATE_ADVICE = "create a new zip of the images only and try again"
_SPLIT_ADVICE = "split it into parts"
_UNREADABLE = (zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError, RuntimeError)
_SYSTEM_FILES = re.compile(
    r"(^|/)(__MACOSX/|\.DS_Store$|\._|Thumbs\.db$|desktop\.ini$)", re.IGNORECASE
)
_PATH_TRAVERSAL = re.compile(r"^/|^[A-Za-z]:|(^|/)\.\.(/|$)|[\0-\x1f]")


class UploadedZip:
    """A zip that passed all checks.

    Args:
        data: the zip.
        name: its file name, for messages.

    Attributes:
        names: every member's path with "/" between folders, without folders and system files
            (``__MACOSX``, ``Thumbs.db``).

    Raises:
        UploadError: the zip is refused; the message is one sentence.
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
                f"{shown} lists more than {MAX_MEMBERS:,} files; {_SPLIT_ADVICE}."
            ) from error
        except DirectoryTooLarge as error:
            raise UploadError(
                f"{shown} has a list of names of more than {MAX_DIRECTORY_BYTES // 10**6} MB, "
                f"too much for images; {_RECREATE_ADVICE}, with shorter names."
            ) from error
        except NotImplementedError as error:
            raise UploadError(
                f"{shown} uses an unsupported zip feature; {_RECREATE_ADVICE}."
            ) from error
        except (zipfile.BadZipFile, ValueError) as error:
            raise UploadError(f"{shown} is damaged or incomplete; {_RECREATE_ADVICE}.") from error
        problem = _problem(self._reader, paths)
        if problem:
            raise UploadError(f"{shown} {problem}.")
        self._numbers = [
            number for number, path in enumerate(paths) if not _SYSTEM_FILES.search(path)
        ]
        self.names = [paths[number] for number in self._numbers]
        if not self.names:
            raise UploadError(f"{shown} contains no file; add images to it and try again.")

    def read(self, index: int) -> bytes:
        """The bytes of ``names[index]``, with verified checksum.

        Raises:
            UploadError: the member is damaged, or differs from the directory.
        """
        try:
            return self._reader.read(self._numbers[index], MAX_MEMBER_BYTES)
        except _UNREADABLE as error:
            raise UploadError(
                f"{printable_name(self.names[index])} is damaged in the zip; {_RECREATE_ADVICE}."
            ) from error


def looks_like_zip(data: bytes) -> bool:
    """Whether a file has the signature of a zip or an empty zip; it may still be refused."""
    return data[:4] in (b"PK\3\4", b"PK\5\6")


def _problem(reader: ZipReader, paths: list[str]) -> str:
    """What is wrong, as the rest of a sentence after the zip's name; "" if nothing is."""
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
        return f"has a directory that disagrees with its contents; {_RECREATE_ADVICE}"
    if found.shift:
        return f"has other data before its first file; {_RECREATE_ADVICE}"
    return ""


def _size_problem(members: Members) -> str:
    packed, size = members.packed, members.size
    if (packed > members.room).any():
        return f"contains overlapping files; {_RECREATE_ADVICE}"
    if (size > MAX_MEMBER_BYTES).any():
        return (
            f"contains a file of more than {MAX_MEMBER_BYTES // 2**20} MiB; upload that one alone"
        )
    # Sizes can be up to 2**62, but none exceeds MAX_MEMBER_BYTES here, so the sum fits int64.
    total = int(size.sum())
    if total > MAX_UNPACKED_BYTES:
        return f"would unpack to more than {MAX_UNPACKED_BYTES // 10**6} MB; {_SPLIT_ADVICE}"
    expanding = (size >= MIN_RATIO_BYTES) & (size > MAX_COMPRESSION_RATIO * packed)
    if expanding.any() or (
        total >= MIN_RATIO_BYTES and total > MAX_COMPRESSION_RATIO * int(packed.sum())
    ):
        return (
            f"would expand to more than {MAX_COMPRESSION_RATIO} times its size, which no images "
            f"do; {_RECREATE_ADVICE}"
        )
    return ""


def _kind_problem(members: Members, paths: list[str]) -> str:
    if members.encrypted().any():
        return "is protected by a password; create it without one and try again"
    odd = _first_marked(~np.isin(members.kind, (0, _REGULAR_FILE)), paths)
    if odd is not None:
        return f"contains '{odd}', which is not a regular file; {_RECREATE_ADVICE}"
    unsupported = members.method[~np.isin(members.method, _COMPRESSION_METHODS)]
    if len(unsupported):
        name = zip_method_name(int(unsupported[0]))
        return f"uses an unsupported compression ({name}); {_RECREATE_ADVICE}, with Deflate"
    return ""


def _name_problem(paths: list[str]) -> str:
    outside = _first_marked((bool(_PATH_TRAVERSAL.search(path)) for path in paths), paths)
    if outside is not None:
        return f"contains '{outside}', whose path leads out of the zip; {_RECREATE_ADVICE}"
    seen: set[str] = set()
    for path in paths:
        if path in seen:
            return (
                f"contains two files of the same name, '{printable_name(path)}'; {_RECREATE_ADVICE}"
            )
        seen.add(path)
    return ""


def _first_marked(marked: Iterable[bool], paths: list[str]) -> str | None:
    """The first marked path, printable; None if none is marked."""
    found = next((path for path, mark in zip(paths, marked, strict=True) if mark), None)
    return None if found is None else printable_name(found)
