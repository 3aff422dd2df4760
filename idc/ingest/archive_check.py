"""Check a downloaded zip: its digest, its members' CRCs and its number of patches."""

import hashlib
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

from idc.errors import DataError, DownloadError
from idc.files.sources import UnreadableMember, ZipSource
from idc.ingest.listing import list_patches
from idc.progress import ProgressCallback

_BLOCK_BYTES = 2**20
_MAX_MEMBER_BYTES = 2**30  # of members that are not patches; a patch has 8 kB


class DamagedArchive(DownloadError):
    """The bytes differ from those sent: downloading the file again may help."""


def check_archive(
    path: Path,
    expected: int,
    *,
    md5: bytes | None = None,
    on_progress: ProgressCallback | None = None,
) -> None:
    """Read every byte of a zip and compare its checksums.

    Args:
        expected: the number of different patches that its names must give.
        md5: the file's digest (16 bytes), if the server sent one.
        on_progress: called with (bytes checked, bytes in all); may raise to stop.

    Raises:
        DamagedArchive: the digest or a member's CRC differs, or the zip is incomplete.
        DownloadError: the zip is intact, but holds another number of patches.
    """
    size = path.stat().st_size
    report = on_progress or (lambda done, total: None)
    to_read = size * (2 if md5 else 1)  # once for the digest, once for the members
    if md5 and _file_md5(path, lambda done: report(done, to_read)) != md5:
        raise DamagedArchive("The checksum differs from the one that Kaggle sent.")
    try:
        with closing(ZipSource(path, _MAX_MEMBER_BYTES)) as archive:
            patches = len(list_patches([archive]))
            if patches != expected:
                raise DownloadError(
                    f"The zip is complete, but holds {patches:,} different patches, not "
                    f"{expected:,}, so it was not packed. To use it anyway, pack '{path}'."
                )
            for share in _read_members(archive):
                report(to_read - size + round(share * size), to_read)
    except (DataError, UnreadableMember) as error:
        raise DamagedArchive("The file is not a complete zip.") from error


def _file_md5(path: Path, on_progress: Callable[[int], None]) -> bytes:
    digest, done = hashlib.md5(usedforsecurity=False), 0
    with path.open("rb") as file:
        while block := file.read(_BLOCK_BYTES):
            digest.update(block)
            done += len(block)
            on_progress(done)
    return digest.digest()


def _read_members(archive: ZipSource) -> Iterator[float]:
    """Read each member, which compares its CRC. Yields the share of members read, (0, 1]."""
    for number in range(len(archive)):
        archive.read(number)
        yield (number + 1) / len(archive)
