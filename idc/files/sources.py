"""Sources of patches: a zip that is read in place, or a folder."""

import lzma
import os
import stat
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from types import TracebackType
from typing import Protocol

import numpy as np

from idc.errors import DataError
from idc.files.byte_list import BytesList
from idc.files.file_kinds import (
    ARCHIVE_KIND,
    IMAGE_KIND,
    READABLE_ZIP_METHODS,
    TEXT_KIND,
    ZIP_KIND,
    FileKind,
    kind_of_file,
    zip_method_name,
)
from idc.files.zip_reader import Members, ZipReader

# A 50x50 RGB patch has 7,500 bytes of pixels; a larger file under a patch's name is not a patch.
MAX_MEMBER_BYTES = 2**20

_UNPACK_ADVICE = "unpack it and give the folder"


class UnreadableMember(Exception):
    """One file of a source cannot be read. The others may be readable."""


def existing_path(path_text: Path | str) -> Path:
    """The path that a user typed, with "~" expanded.

    Raises:
        DataError: it does not exist, or access is denied.
    """
    shown = str(path_text)[:300]
    try:
        path = Path(path_text).expanduser()
        if path.exists():
            return path
    except (OSError, RuntimeError, ValueError) as error:  # too long, no access, no such home folder
        reason = error.strerror if isinstance(error, OSError) else error
        raise DataError(
            f"'{shown}' cannot be opened ({str(reason).rstrip('.')}); check the path and its "
            "rights."
        ) from error
    raise DataError(f"There is no file or folder at '{shown}'; check the path.")


class Source(Protocol):
    """A collection of files, each with a name and a number."""

    label: str  # for reports: the file's or folder's own name

    def names(self) -> Iterator[str]:
        """Every file's path inside the source, '/' between folders: number 0, 1, 2, ..."""

    def read(self, number: int) -> bytes:
        """One file's bytes, after `names` has yielded its name. Thread-safe.

        Raises:
            UnreadableMember: it is damaged, encrypted, too large or missing.
        """

    def close(self) -> None:
        """Close the files."""


class ZipSource:
    """A zip's members, never extracted to disk."""

    def __init__(self, path: Path, max_bytes: int = MAX_MEMBER_BYTES) -> None:
        self.label = path.name
        self._max_bytes = max_bytes
        kind = kind_of_file(path)
        if kind is not None and kind != ZIP_KIND:  # a tar archive may end in a zip
            raise DataError(f"'{path}' {_no_zip(kind)}.")
        try:
            self._zip = ZipReader(path)
        except NotImplementedError as error:
            raise DataError(
                f"'{path}' uses a zip feature that cannot be read here ({error}); {_UNPACK_ADVICE}."
            ) from error
        except (zipfile.BadZipFile, OSError, ValueError) as error:
            raise DataError(f"'{path}' {_no_zip(kind)}.") from error
        problem = _members_problem(self._zip.members())
        if problem:
            self._zip.close()
            raise DataError(f"'{path}' {problem}.")

    def __len__(self) -> int:
        return len(self._zip)

    def names(self) -> Iterator[str]:
        # Old Windows programs write "\" between folders. Members are read by number anyway.
        return (name.replace("\\", "/") for name in self._zip.names())

    def read(self, number: int) -> bytes:
        try:
            return self._zip.read(number, self._max_bytes)
        except (
            zipfile.BadZipFile,  # wrong CRC, wrong local header
            zlib.error,
            lzma.LZMAError,
            EOFError,
            OSError,
            ValueError,  # closed
            RuntimeError,  # encrypted; also NotImplementedError, an unknown compression
        ) as error:
            raise UnreadableMember(str(number)) from error

    def close(self) -> None:
        self._zip.close()


def _no_zip(kind: FileKind | None) -> str:
    """Why a file is no source, as the rest of a sentence after its path."""
    if kind is None or kind == ZIP_KIND:
        return "is not a readable zip file (cut off or damaged?); download it again"
    if kind.group == TEXT_KIND:
        return f"is not a readable zip file but {kind.what}; download it again"
    if kind.group == IMAGE_KIND:
        return kind.refusal("give the folder of the images, or a zip of it")
    if kind.group == ARCHIVE_KIND:
        return kind.refusal("give the folder")
    return kind.refusal("download it again" if kind.cause else "give a zip or folder of images")


def _members_problem(members: Members) -> str:
    """Why no program without a password or another method reads a zip; "" if nothing."""
    if members.encrypted().any():
        return f"is protected by a password; {_UNPACK_ADVICE}"
    unread = members.method[~np.isin(members.method, READABLE_ZIP_METHODS)]
    if len(unread):
        name = zip_method_name(int(unread[0]))
        return f"is compressed with {name}, which cannot be read here; {_UNPACK_ADVICE}"
    return ""


class FolderSource:
    """All files below a folder. Links to folders are not followed, so loops cannot occur."""

    def __init__(self, path: Path, max_bytes: int = MAX_MEMBER_BYTES) -> None:
        self.label = path.resolve().name
        self._path = path
        self._max_bytes = max_bytes
        self._names = BytesList()

    def names(self) -> Iterator[str]:
        self._names = BytesList()
        for folder, folders, files in os.walk(self._path, onerror=self._raise_unreadable):
            folders.sort()
            inner = PurePosixPath(Path(folder).relative_to(self._path).as_posix())
            for file in sorted(files):
                name = str(inner / file)
                self._names.append(os.fsencode(name))
                yield name

    def read(self, number: int) -> bytes:
        return read_file(self._path / os.fsdecode(self._names[number]), self._max_bytes)

    def close(self) -> None:
        """Nothing to close."""

    @staticmethod
    def _raise_unreadable(error: OSError) -> None:
        raise DataError(
            f"The folder '{error.filename}' cannot be read ({error.strerror}); check its rights."
        ) from error


def read_file(path: Path, max_bytes: int) -> bytes:
    """A plain file's bytes.

    Raises:
        UnreadableMember: it is larger, missing, or a pipe or device, which has no end.
    """
    try:
        found = path.stat()
        if not stat.S_ISREG(found.st_mode) or found.st_size > max_bytes:
            raise UnreadableMember(path.name)
        return path.read_bytes()
    except OSError as error:
        raise UnreadableMember(path.name) from error


class OpenSources:
    """Opens several sources and closes them at the end of the ``with`` block.

    Args:
        max_bytes: a larger file counts as unreadable.

    Raises:
        DataError: a path does not exist, is not accessible, or is neither a zip nor a folder.
    """

    def __init__(self, paths: list[Path], max_bytes: int = MAX_MEMBER_BYTES) -> None:
        self.sources: list[Source] = []
        try:
            for path in paths:
                self.sources.append(_open_source(path, max_bytes))
        except BaseException:
            self._close()
            raise

    def __enter__(self) -> list[Source]:
        return self.sources

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._close()

    def _close(self) -> None:
        for source in self.sources:
            source.close()


def _open_source(path: Path, max_bytes: int) -> Source:
    path = existing_path(path)
    if path.is_dir():
        return FolderSource(path, max_bytes)
    if path.is_file():
        return ZipSource(path, max_bytes)
    raise DataError(f"'{path}' is neither a file nor a folder; check the path.")
