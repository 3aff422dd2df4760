"""Files that are either whole or not there: write beside, flush to the disk, rename.

For tests alone: the environment variable ``IDC_FAULT`` lets one write, fsync or rename of this
module go wrong, counted from the start of the process: "kill 7" ends the process in the middle of
the 7th, "ENOSPC 7" fails it as a full disk does, "EIO 7+" that one and all later ones. A write
that goes wrong leaves half of its bytes.
"""

import contextlib
import errno
import hashlib
import itertools
import json
import os
import secrets
import signal
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO

_FAULT = "IDC_FAULT"
_operations = itertools.count(1)


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
    """Put ``content`` at ``path`` so that a reader sees the old bytes or the new, never a mix.

    Args:
        mode: who may read and write it, less the umask; 0o600 for what is its owner's alone.
    """
    temp_path = path.with_name(f".{path.name}.{secrets.token_hex(4)}.new")  # one for each writer
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
    """`replace_file` for somebody who writes a file by its name: gives the name to write to.

    The name has the suffixes of ``path``. It takes its place when the ``with`` ends well.
    """
    temp_path = path.with_name(f".new.{path.name}")
    try:
        yield temp_path
        if fault := _due_fault():
            os.truncate(temp_path, temp_path.stat().st_size // 2)
            _trigger_fault(fault)
        sync_file(temp_path)
        _rename(temp_path, path)
    finally:
        temp_path.unlink(missing_ok=True)
    sync_folder(path.parent)


def remove_leftovers(folder: Path, keep_names: Sequence[str] = ()) -> None:
    """Remove what killed writers left beside their files.

    Args:
        spare: names of files that others may be writing in this moment.
    """
    kept_prefixes = tuple(f".{name}." for name in keep_names)
    for pattern in (".*.new", ".new.*"):
        for path in folder.rglob(pattern):
            if not path.name.startswith(kept_prefixes):
                path.unlink(missing_ok=True)


def append(path: Path, content: bytes) -> None:
    """Add bytes at the end of a file. A kill in between may leave a part of them."""
    with path.open("ab") as file:
        _write(file, content)


def replace_json(path: Path, value: Any) -> None:
    """`replace_file` with a JSON value, indented for people who open it."""
    replace_file(path, json_bytes(value))


def json_bytes(value: Any) -> bytes:
    """What `replace_json` writes."""
    return (json.dumps(value, indent=1, ensure_ascii=False) + "\n").encode()


def file_sha256(path: Path) -> str:
    """Hex digest of a whole file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _write(file: BinaryIO, content: bytes) -> None:
    if fault := _due_fault():
        file.write(content[: len(content) // 2])
        file.flush()
        _trigger_fault(fault)
    file.write(content)


def _sync(descriptor: int) -> None:
    if fault := _due_fault():
        _trigger_fault(fault)
    os.fsync(descriptor)


def _rename(temp_path: Path, path: Path) -> None:
    if fault := _due_fault():
        _trigger_fault(fault)
    temp_path.replace(path)


def _due_fault() -> str:
    """ "kill" or the name of an error when a test wants this operation to go wrong, else empty."""
    if not (wanted := os.environ.get(_FAULT)):
        return ""
    fault, number = wanted.split()
    now, first = next(_operations), int(number.rstrip("+"))
    return fault if now == first or (number.endswith("+") and now > first) else ""


def _trigger_fault(fault: str) -> None:
    if fault == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    code = getattr(errno, fault)
    raise OSError(code, os.strerror(code))
