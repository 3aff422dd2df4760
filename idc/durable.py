"""Files that are either whole or not there: write beside, flush to the disk, rename."""

import hashlib
import json
import os
import secrets
from functools import partial
from pathlib import Path
from typing import Any


def sync_folder(folder: Path) -> None:
    """Make the names in a folder survive a power cut."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sync_file(path: Path) -> None:
    """Make a file's bytes survive a power cut."""
    with path.open("rb") as file:
        os.fsync(file.fileno())


def replace_file(path: Path, content: bytes, *, mode: int = 0o666) -> None:
    """Put ``content`` at ``path`` so that a reader sees the old bytes or the new, never a mix.

    Args:
        mode: who may read and write it, less the umask; 0o600 for what is its owner's alone.
    """
    beside = path.with_name(f".{path.name}.{secrets.token_hex(4)}.new")  # one for each writer
    try:
        with open(beside, "xb", opener=partial(os.open, mode=mode)) as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)
    sync_folder(path.parent)


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
