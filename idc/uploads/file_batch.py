"""The files of one upload, single pictures and members of zips, in one line."""

import re
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import PurePosixPath
from typing import NamedTuple

from idc.errors import UploadError
from idc.patches import parse_patch_name
from idc.uploads.gate import printable_name
from idc.uploads.zip_archive import UploadedZip, looks_like_zip

MAX_IMAGES = 10_000

_CLASS_IN_NAME = re.compile(r"(?:^|[^A-Za-z])class[ _-]?([01])(?=[^0-9]|$)", re.IGNORECASE)


class BatchFile(NamedTuple):
    """One file of an upload.

    Attributes:
        name: its path: inside the zip, below the zip's name where there is more than one file.
        label: {0, 1} as `label_from_path` reads it, None where the name does not say.
        read: its bytes; raises UploadError.
    """

    name: str
    label: int | None
    read: Callable[[], bytes]


def batch_files(files: Sequence[tuple[str, bytes]]) -> list[BatchFile]:
    """All files of an upload in order. A zip that is refused stands for itself.

    Args:
        files: (name as the visitor's browser sent it, bytes) of each.

    Raises:
        UploadError: they are too many.
    """
    found: list[BatchFile] = []
    for name, data in files:
        if looks_like_zip(data):
            found += _members(name, data, prefixed=len(files) > 1)
        else:
            found.append(BatchFile(name, label_from_path(name), partial(bytes, data)))
        if len(found) > MAX_IMAGES:
            raise UploadError(
                f"These are more than {MAX_IMAGES:,} pictures; send them in parts, or let the "
                "shell predict them: python -m idc predict FILE."
            )
    return found


def label_from_path(name: str) -> int | None:
    """The label that a file's path states: by a patch's name, ``class0`` or ``class1`` in the
    name, else by the nearest folder that is called 0 or 1.
    """
    path = PurePosixPath(name.replace("\\", "/"))
    patch = parse_patch_name(path.name)
    if patch is not None:
        return patch.label
    labelled = _CLASS_IN_NAME.findall(path.name)
    if labelled:
        return int(labelled[-1])
    folders = [folder for folder in path.parts[:-1] if folder in ("0", "1")]
    return int(folders[-1]) if folders else None


def _members(name: str, data: bytes, *, prefixed: bool) -> list[BatchFile]:
    try:
        archive = UploadedZip(data, name)
    except UploadError as error:
        return [BatchFile(name, None, partial(_refuse, str(error)))]
    before = f"{printable_name(name)}/" if prefixed else ""
    return [
        BatchFile(before + path, label_from_path(path), partial(archive.read, place))
        for place, path in enumerate(archive.names)
    ]


def _refuse(sentence: str) -> bytes:
    raise UploadError(sentence)
