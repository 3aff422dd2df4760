"""Annotation files: GeoJSON from QuPath, parsed in a child process (`annotation_worker`)."""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from idc.errors import ServerBusy, UploadError, UploadTimeout
from idc.files.sources import UnreadableMember, existing_path, read_file
from idc.processes.child import Answer, Child, ChildDied, ChildTimeout
from idc.processes.environment import DECODER_VARIABLES
from idc.processes.fair_semaphore import AcquireTimeout, FairSemaphore
from idc.uploads.annotation_parser import MAX_NAME_LENGTH, MAX_VERTICES, Polygon
from idc.uploads.decoder_pool import MAX_WAIT_S
from idc.uploads.gate import printable_name

MAX_ANNOTATION_BYTES = 64 * 10**6

_TIMEOUT_S = 20.0  # includes the start of the process
_FILES_PER_CHILD = 20
_POINT_BYTES = 16  # x, y as float64
_NUMBER_LENGTH = 12  # " (9999)" makes a name unique


@dataclass(frozen=True, eq=False)
class Annotation:
    """An annotated area.

    Attributes:
        name: unique in its file; untrusted text, one printable line.
        polygons: its areas; of each the rings, the exterior and then the holes: float64, shape
            (k, 2), x and y in px of QuPath's frame, not necessarily closed.
    """

    name: str
    polygons: tuple[Polygon, ...]


@dataclass(frozen=True, eq=False)
class Annotations:
    """The annotations of a file.

    Attributes:
        file_name: printable.
        sha256: of the file's bytes.
        areas: at least one.
        note: how many other objects were ignored, as a sentence; empty if none was.
    """

    file_name: str
    sha256: str
    areas: tuple[Annotation, ...]
    note: str = ""


_child = Child(
    "idc.uploads.annotation_worker",
    inherit=DECODER_VARIABLES,
    max_answer_bytes=MAX_ANNOTATION_BYTES + MAX_VERTICES * _POINT_BYTES,
    max_questions=_FILES_PER_CHILD,
)
_turn = FairSemaphore(1, acquire_timeout_s=MAX_WAIT_S + _TIMEOUT_S)


def read_annotation_file(path: Path) -> Annotations:
    """The annotations of a file on disk.

    Raises:
        DataError, UploadError: it does not exist, cannot be read, or as `read_annotations`.
    """
    path = existing_path(path)
    try:
        data = read_file(path, MAX_ANNOTATION_BYTES)
    except UnreadableMember as error:
        raise UploadError(
            f"'{printable_name(path.name)}' cannot be read as annotations: it is no file, access "
            f"is denied, or it is larger than {MAX_ANNOTATION_BYTES // 10**6} MB."
        ) from error
    return read_annotations(data, path.name)


def read_annotations(data: bytes, name: str) -> Annotations:
    """The annotations of a visitor's GeoJSON file, see `idc.uploads.annotation_parser`.

    Args:
        data: the file, at most `MAX_ANNOTATION_BYTES`.
        name: the file's name, for messages.

    Raises:
        UploadTimeout, ServerBusy: it takes too long, or the server is busy.
        UploadError: the file is refused; the message is a sentence with the problem and remedy.
    """
    name = printable_name(name)
    if not data:
        raise UploadError(f"'{name}' is empty; export the annotations from QuPath as GeoJSON.")
    if len(data) > MAX_ANNOTATION_BYTES:
        raise UploadError(
            f"'{name}' is larger than {MAX_ANNOTATION_BYTES // 10**6} MB; export fewer annotations."
        )
    header, block = _ask(data, name)
    if header.get("ok") is not True:
        reason = "".join(c for c in str(header.get("reason"))[:500] if c.isprintable())
        raise UploadError(f"'{name}' {reason}.")
    try:
        areas = _areas(header, bytes(block))
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise _unsafe(name) from error
    note = "".join(c for c in str(header.get("note"))[:300] if c.isprintable())
    return Annotations(name, hashlib.sha256(data).hexdigest(), areas, note)


def _ask(data: bytes, name: str) -> Answer:
    try:
        with _turn:
            return _child.ask({}, data, timeout_s=_TIMEOUT_S)
    except AcquireTimeout as error:
        raise ServerBusy(
            f"'{name}' was not read because the server is busy; try again in a minute."
        ) from error
    except ChildTimeout as error:
        raise UploadTimeout(
            f"'{name}' takes longer than {_TIMEOUT_S:g} s to read; export fewer annotations."
        ) from error
    except ChildDied as error:
        raise _unsafe(name) from error


def _unsafe(name: str) -> UploadError:
    return UploadError(
        f"'{name}' could not be read safely; export the annotations from QuPath as GeoJSON again."
    )


def _areas(header: dict[str, object], block: bytes) -> tuple[Annotation, ...]:
    """Rebuild the annotations; a hostile file may have taken over the process that sent them.

    Raises:
        ValueError, KeyError, TypeError, RecursionError: the answer breaks the protocol.
    """
    table_bytes = header["table_bytes"]
    if type(table_bytes) is not int or not 0 < table_bytes <= len(block):
        raise ValueError("no table")
    points = np.frombuffer(block[table_bytes:], np.float64).reshape(-1, 2)
    if not np.isfinite(points).all():
        raise ValueError("a coordinate is not finite")
    start, areas = 0, []
    for name, polygons in json.loads(block[:table_bytes]):
        if not isinstance(name, str) or len(name) > MAX_NAME_LENGTH + _NUMBER_LENGTH:
            raise ValueError("no name")
        rebuilt = []
        for sizes in polygons:
            ends = start + np.cumsum(np.array(sizes, np.int64))
            if min(sizes) < 3 or ends[-1] > len(points):
                raise ValueError("no such points")
            rebuilt.append(tuple(np.split(points[start : ends[-1]], ends[:-1] - start)))
            start = int(ends[-1])
        areas.append(Annotation(name, tuple(rebuilt)))
    if not areas or start != len(points):
        raise ValueError("too few or too many points")
    return tuple(areas)
