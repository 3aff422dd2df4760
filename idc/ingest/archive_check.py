"""Whether a zip is whole and holds the patches that it should, before anything uses it."""

import hashlib
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

from idc.datasets.store import ProgressCallback
from idc.errors import DataError, DownloadError
from idc.files.sources import UnreadableMember, ZipSource
from idc.ingest.listing import list_patches

_BLOCK_BYTES = 2**20
_MAX_MEMBER_BYTES = 2**30  # of whatever else lies in the zip; a patch has 8 kB


class DamagedArchive(DownloadError):
    """Bytes are not what was sent: fetching the file again may help."""


def check_archive(
    path: Path,
    expected: int,
    *,
    md5: bytes | None = None,
    on_progress: ProgressCallback | None = None,
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
        with closing(ZipSource(path, _MAX_MEMBER_BYTES)) as archive:
            patches = len(list_patches([archive]))
            if patches != expected:
                raise DownloadError(
                    f"The zip arrived whole, but holds {patches:,} different patches and not "
                    f"{expected:,}, so it was not packed. It lies at '{path}': if you want it all "
                    "the same, pack it by its path."
                )
            for share in _read_members(archive):
                report(to_read - size + round(share * size), to_read)
    except (DataError, UnreadableMember) as error:
        raise DamagedArchive("What arrived is not a whole zip.") from error


def _file_md5(path: Path, on_progress: Callable[[int], None]) -> bytes:
    digest, done = hashlib.md5(usedforsecurity=False), 0
    with path.open("rb") as file:
        while block := file.read(_BLOCK_BYTES):
            digest.update(block)
            done += len(block)
            on_progress(done)
    return digest.digest()


def _read_members(archive: ZipSource) -> Iterator[float]:
    """Read each member, where its CRC is compared. Gives the share of members read, (0, 1]."""
    for number in range(len(archive)):
        archive.read(number)
        yield (number + 1) / len(archive)
