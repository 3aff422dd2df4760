"""Where patches come from: a zip that is read in place, or a folder."""

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

# A 50x50 RGB patch has 7,500 bytes of pixels; a larger file under a patch's name is not a patch.
MAX_MEMBER_BYTES = 2**20


class UnreadableMember(Exception):
    """One file of a source cannot be read. The others may be fine."""


class Source(Protocol):
    """A named collection of files."""

    label: str  # for reports: the file's or folder's own name

    def names(self) -> Iterator[str]:
        """Every file's path inside the source, '/' between folders."""

    def read(self, name: str) -> bytes:
        """One file's bytes. Raises `UnreadableMember`."""

    def close(self) -> None:
        """Let go of the files."""


class ZipSource:
    """A zip's members, never extracted to disk."""

    def __init__(self, path: Path, max_bytes: int = MAX_MEMBER_BYTES) -> None:
        self.label = path.name
        self._max_bytes = max_bytes
        try:
            self._zip = zipfile.ZipFile(path)
        except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
            raise DataError(
                f"'{path}' is not a readable zip file (cut off or damaged?); download it again."
            ) from error

    def names(self) -> Iterator[str]:
        return (info.filename for info in self._zip.infolist() if not info.is_dir())

    def read(self, name: str) -> bytes:
        try:
            if self._zip.getinfo(name).file_size > self._max_bytes:
                raise UnreadableMember(name)
            return self._zip.read(name)
        except (
            zipfile.BadZipFile,  # wrong CRC, wrong local header
            zlib.error,
            lzma.LZMAError,
            EOFError,
            OSError,
            ValueError,  # a name that is not UTF-8
            RuntimeError,  # encrypted; also NotImplementedError, an unknown compression
        ) as error:
            raise UnreadableMember(name) from error

    def close(self) -> None:
        self._zip.close()


class FolderSource:
    """All files below a folder. Links to folders are not followed, so loops cannot occur."""

    def __init__(self, path: Path, max_bytes: int = MAX_MEMBER_BYTES) -> None:
        self.label = path.resolve().name
        self._path = path
        self._max_bytes = max_bytes

    def names(self) -> Iterator[str]:
        for folder, folders, files in os.walk(self._path, onerror=self._refuse):
            folders.sort()
            inner = PurePosixPath(Path(folder).relative_to(self._path).as_posix())
            yield from (str(inner / file) for file in sorted(files))

    def read(self, name: str) -> bytes:
        path = self._path / name
        try:
            found = path.stat()
            # A pipe or a device would be read for ever.
            if not stat.S_ISREG(found.st_mode) or found.st_size > self._max_bytes:
                raise UnreadableMember(name)
            return path.read_bytes()
        except OSError as error:
            raise UnreadableMember(name) from error

    def close(self) -> None:
        """Nothing is held open."""

    @staticmethod
    def _refuse(error: OSError) -> None:
        raise DataError(
            f"The folder '{error.filename}' cannot be read ({error.strerror}); check its rights."
        ) from error


class OpenSources:
    """Opens several sources; closes them all at the end of a ``with``.

    Raises:
        DataError: a path does not exist, or is neither a zip nor a folder.
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
    if path.is_dir():
        return FolderSource(path)
    if path.is_file():
        return ZipSource(path)
    raise DataError(f"There is no file or folder at '{path}'; check the path.")
