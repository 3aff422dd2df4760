"""Whether a zip is whole and holds the patches that it should, before anything uses it."""

import hashlib
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath

from idc.errors import DownloadError
from idc.patches import parse_patch_name
from idc.store import Progress

_BLOCK_BYTES = 2**20


class DamagedArchive(DownloadError):
    """Bytes are not what was sent: fetching the file again may help."""


def check_archive(
    path: Path, expected: int, *, md5: bytes | None = None, on_progress: Progress | None = None
) -> None:
    """Read every byte of a zip and compare.

    Args:
        expected: how many different patches its names must tell.
        md5: the file's digest (16 bytes), where the server gave one.
        on_progress: called with (bytes checked, bytes in all); may raise in order to stop.

    Raises:
        DamagedArchive: the digest or a member's CRC differs, or it is no whole zip.
        DownloadError: it is whole, but holds another number of patches.
    """
    size = path.stat().st_size
    report = on_progress or (lambda done, total: None)
    to_read = size * (2 if md5 else 1)  # the digest is one reading, the members another
    if md5 and _file_md5(path, lambda done: report(done, to_read)) != md5:
        raise DamagedArchive("What arrived has another checksum than what Kaggle sent.")
    try:
        with zipfile.ZipFile(path) as archive:
            patches = _patches_named(archive)
            if patches != expected:
                raise DownloadError(
                    f"The zip arrived whole, but holds {patches:,} different patches and not "
                    f"{expected:,}, so it was not packed. It lies at '{path}': if you want it all "
                    "the same, pack it by its path."
                )
            read = to_read - size
            for member_bytes in _whole_members(archive):
                read += member_bytes
                report(min(read, to_read), to_read)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
        raise DamagedArchive("What arrived is not a whole zip.") from error


def _file_md5(path: Path, on_progress: Callable[[int], None]) -> bytes:
    digest, done = hashlib.md5(usedforsecurity=False), 0
    with path.open("rb") as file:
        while block := file.read(_BLOCK_BYTES):
            digest.update(block)
            done += len(block)
            on_progress(done)
    return digest.digest()


def _patches_named(archive: zipfile.ZipFile) -> int:
    names = (parse_patch_name(PurePosixPath(name).name) for name in archive.namelist())
    return len({name for name in names if name is not None})


def _whole_members(archive: zipfile.ZipFile) -> Iterator[int]:
    """Read each member to its end, where `zipfile` compares the CRC. Gives its size in the zip."""
    for info in archive.infolist():
        with archive.open(info) as member:
            while member.read(_BLOCK_BYTES):
                pass
        yield info.compress_size
