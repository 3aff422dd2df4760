"""The files of one upload as one list: single images and members of zips."""

import re
from collections.abc import Callable, Iterable, Sequence
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
        name: its path; in a zip the member's path, below the zip's name if several files came.
        label: {0, 1} from `label_from_path`, None if unknown.
        read: returns its bytes; raises UploadError.
    """

    name: str
    label: int | None
    read: Callable[[], bytes]


def batch_files(files: Sequence[tuple[str, bytes]]) -> list[BatchFile]:
    """All files of an upload in order. A refused zip is one entry, whose ``read`` raises.

    Args:
        files: name (as the browser sent it) and bytes of each file.

    Raises:
        UploadError: there are more than `MAX_IMAGES`.
    """
    batch: list[BatchFile] = []
    for name, data in files:
        if looks_like_zip(data):
            batch += _members(name, data, prefixed=len(files) > 1)
        else:
            batch.append(BatchFile(name, label_from_path(name), partial(bytes, data)))
        if len(batch) > MAX_IMAGES:
            raise UploadError(
                f"There are more than {MAX_IMAGES:,} images; upload them in parts, or predict "
                "them in a shell: python -m idc predict FILE."
            )
    return batch


def label_from_path(name: str) -> int | None:
    """The label in a file's path: of `label_in_name`, else of `label_of_folder`."""
    label = label_in_name(name)
    return label_of_folder(name) if label is None else label


def label_in_name(path: str) -> int | None:
    """The label in a file's own name: a patch's name, else ``class0`` or ``class1`` in it."""
    name = PurePosixPath(path.replace("\\", "/")).name
    patch = parse_patch_name(name)
    if patch is not None:
        return patch.label
    labelled = _CLASS_IN_NAME.findall(name)
    return int(labelled[-1]) if labelled else None


def label_of_folder(path: str) -> int | None:
    """The label of the nearest folder named 0 or 1."""
    folders = PurePosixPath(path.replace("\\", "/")).parts[:-1]
    labelled = [folder for folder in folders if folder in ("0", "1")]
    return int(labelled[-1]) if labelled else None


def count_label_conflicts(paths: Iterable[str]) -> int:
    """How many files lie in a folder of another label than their name states."""
    labels = ((label_in_name(path), label_of_folder(path)) for path in paths)
    return sum(None not in pair and pair[0] != pair[1] for pair in labels)


def label_conflict_note(count: int, used: str) -> str:
    """A sentence about files whose folder and name state different labels; "" for none.

    Args:
        used: whose label is used: "file name" or "folder".
    """
    if not count:
        return ""
    files = "1 file" if count == 1 else f"{count:,} files"
    return (
        f"Folder and file name state different labels for {files}; the label of the {used} is used."
    )


def _members(name: str, data: bytes, *, prefixed: bool) -> list[BatchFile]:
    try:
        archive = UploadedZip(data, name)
    except UploadError as error:
        return [BatchFile(name, None, partial(_refuse, str(error)))]
    prefix = f"{printable_name(name)}/" if prefixed else ""
    return [
        BatchFile(prefix + path, label_from_path(path), partial(archive.read, index))
        for index, path in enumerate(archive.names)
    ]


def _refuse(sentence: str) -> bytes:
    raise UploadError(sentence)
