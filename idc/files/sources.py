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

from idc.errors import DataError
from idc.files.byte_list import BytesList
from idc.files.zip_reader import ZipReader

# A 50x50 RGB patch has 7,500 bytes of pixels; a larger file under a patch's name is not a patch.
MAX_MEMBER_BYTES = 2**20


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
        try:
            self._zip = ZipReader(path)
        except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
            raise DataError(
                f"'{path}' is not a readable zip file (cut off or damaged?); download it again."
            ) from error

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

    Raises:
        DataError: a path does not exist, is not accessible, or is neither a zip nor a folder.
    """

    def __init__(self, paths: list[Path]) -> None:
        self.sources: list[Source] = []
        try:
            for path in paths:
                self.sources.append(_open_source(path))
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


def _open_source(path: Path) -> Source:
    path = existing_path(path)
    if path.is_dir():
        return FolderSource(path)
    if path.is_file():
        return ZipSource(path)
    raise DataError(f"'{path}' is neither a file nor a folder; check the path.")
