"""Atomic files: written beside their place, synced to the disk, then renamed.

A reader sees the old content or the new, never a mix, also after a kill or a power cut.
"""

import contextlib
import hashlib
import json
import os
import secrets
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO


def sync_folder(folder: Path) -> None:
    """Make the names in a folder survive a power cut."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        _sync(descriptor)
    finally:
        os.close(descriptor)


def sync_file(path: Path) -> None:
    """Make a file's bytes survive a power cut."""
    with path.open("rb") as file:
        _sync(file.fileno())


def replace_file(path: Path, content: bytes, *, mode: int = 0o666) -> None:
    """Put ``content`` at ``path`` atomically.

    Args:
        mode: the file's permissions before the umask; 0o600 for the owner alone.
    """
    temp_path = path.with_name(f".{path.name}.{secrets.token_hex(4)}.new")  # one per writer
    try:
        with open(temp_path, "xb", opener=partial(os.open, mode=mode)) as file:
            _write(file, content)
            file.flush()
            _sync(file.fileno())
        _rename(temp_path, path)
    finally:
        temp_path.unlink(missing_ok=True)
    sync_folder(path.parent)


@contextlib.contextmanager
def replacement_path(path: Path) -> Iterator[Path]:
    """`replace_file` for writers that need a file name: yields the temporary file's path.

    It has the suffixes of ``path``, and replaces ``path`` when the ``with`` block succeeds.
    """
    temp_path = path.with_name(f".new.{path.name}")
    try:
        yield temp_path
        sync_file(temp_path)
        _rename(temp_path, path)
    finally:
        temp_path.unlink(missing_ok=True)
    sync_folder(path.parent)


def remove_leftovers(folder: Path, keep_names: Sequence[str] = ()) -> None:
    """Remove the temporary files of killed writers.

    Args:
        keep_names: names of files that other processes may be writing now.
    """
    kept_prefixes = tuple(f".{name}." for name in keep_names)
    for pattern in (".*.new", ".new.*"):
        for path in folder.rglob(pattern):
            if not path.name.startswith(kept_prefixes):
                path.unlink(missing_ok=True)


def append_bytes(path: Path, content: bytes) -> None:
    """Append to a file; not atomic: a kill may leave a part of the bytes."""
    with path.open("ab") as file:
        _write(file, content)


def replace_json(path: Path, value: Any) -> None:
    """`replace_file` with a JSON value, indented for human readers."""
    replace_file(path, json_bytes(value))


def json_bytes(value: Any) -> bytes:
    """The content that `replace_json` writes."""
    return (json.dumps(value, indent=1, ensure_ascii=False) + "\n").encode()


def file_sha256(path: Path) -> str:
    """Hex digest of a whole file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


# The three operations that can fail; tests/support/disk_faults.py makes them fail.


def _write(file: BinaryIO, content: bytes) -> None:
    file.write(content)


def _sync(descriptor: int) -> None:
    os.fsync(descriptor)


def _rename(temp_path: Path, path: Path) -> None:
    temp_path.replace(path)
