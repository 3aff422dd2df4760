"""``checksums.json``: the SHA-256 of a run's files, compared whenever one of them is read.

The weights have theirs in ``best.json``, checkpoints and lines of the log carry their own.

A file and its checksum cannot be replaced in one operation. The checksum is therefore written
first, beside that of the file which is replaced, or a mark that there was none: what a killed
writer leaves in place is listed, whichever it is. One process writes at a time, the holder of the
run's lock.

Runs of older versions have no checksums. Their files are read unchecked until they are written
again.
"""

import hashlib
import json
from pathlib import Path
from typing import Any

from idc.errors import DamagedFile
from idc.files import atomic

CHECKSUMS_FILE = "checksums.json"
_SELF = "self_sha256"
_ABSENT = "absent"  # in place of a digest: the file may not have been written yet
_READS = 3  # a file may be replaced between reading it and reading the checksums


def write_checked(path: Path, content: bytes) -> None:
    """Replace a file of a run atomically, with its checksum."""
    folder = path.parent
    try:
        listed = _read(folder)
    except DamagedFile:
        listed = {}
    is_new, digest = not path.exists(), hashlib.sha256(content).hexdigest()
    previous = [_ABSENT] if is_new else _intact_sha256(path, listed.get(path.name))
    _write(folder, {**listed, path.name: [digest, *previous]})
    atomic.replace_file(path, content)
    if is_new:
        _write(folder, {**listed, path.name: [digest]})  # from now on a missing file is damage


def write_checked_json(path: Path, value: Any) -> None:
    """`write_checked` with a JSON value, indented for human readers."""
    write_checked(path, atomic.json_bytes(value))


def read_checked(path: Path) -> bytes:
    """Read a file of a run and compare it with its checksum, if it has one.

    Raises:
        FileNotFoundError: the run never had this file.
        DamagedFile: it cannot be read, is gone, or its checksum differs; the reason in brackets.
    """
    for _ in range(_READS):
        try:
            content = path.read_bytes()
        except FileNotFoundError:
            content = None
        except OSError as error:
            raise DamagedFile(f"it cannot be read: {error.strerror}") from error
        listed = _listed(path)
        if content is None and (not listed or _ABSENT in listed):
            raise FileNotFoundError(path)
        if content is not None and (not listed or hashlib.sha256(content).hexdigest() in listed):
            return content
    raise DamagedFile("it is missing" if content is None else "its checksum differs")


def has_file(path: Path) -> bool:
    """Whether a run has or had this file: a listed one that is gone counts as damaged."""
    listed = _listed(path)
    return path.exists() or (bool(listed) and _ABSENT not in listed)


def checksums_problem(folder: Path) -> str:
    """Why a run's files cannot be checked, one sentence; "" if they can, or have no checksums."""
    try:
        _read(folder)
    except DamagedFile:
        return (
            f"The checksums of the run '{folder.name}' are damaged on disk, so its files are not "
            "checked; compute its predictions again to write new ones."
        )
    return ""


def _listed(path: Path) -> list[str]:
    try:
        return _read(path.parent).get(path.name, [])
    except DamagedFile:  # `checksums_problem` reports it; the files themselves may be intact
        return []


def _read(folder: Path) -> dict[str, list[str]]:
    """File name -> the digests of its intact contents: the new one, and the one it replaces."""
    try:
        listed = json.loads((folder / CHECKSUMS_FILE).read_bytes())
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise DamagedFile(CHECKSUMS_FILE) from error
    if not isinstance(listed, dict) or listed.pop(_SELF, None) != _digest_of(listed):
        raise DamagedFile(CHECKSUMS_FILE)
    return listed


def _write(folder: Path, listed: dict[str, list[str]]) -> None:
    atomic.replace_json(folder / CHECKSUMS_FILE, {**listed, _SELF: _digest_of(listed)})


def _digest_of(listed: dict[str, list[str]]) -> str:
    return hashlib.sha256(json.dumps(listed, sort_keys=True).encode()).hexdigest()


def _intact_sha256(path: Path, listed: list[str] | None) -> list[str]:
    """The digest of the present file, which may have none listed yet; empty if it is damaged."""
    try:
        digest = atomic.file_sha256(path)
    except OSError:
        return []
    return [digest] if listed is None or digest in listed else []
