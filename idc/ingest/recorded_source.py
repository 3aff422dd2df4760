"""``source.json`` of a data set: what it was packed from, so that it can be packed again."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from idc.datasets.store import (
    SOURCE_FILE,
    check_store_name,
    list_stores,
    read_record,
    with_checksum,
)
from idc.errors import DataError
from idc.files import atomic
from idc.files.home import data_dir
from idc.ingest.layouts.plan import PackOptions


@dataclass(frozen=True)
class RecordedSource:
    """Files and the options that they were packed with, or the settings of generated tissue.

    Attributes:
        paths: absolute paths; empty for generated tissue.
        demo: ``cases`` and ``seed`` of generated tissue; empty otherwise.
    """

    paths: tuple[Path, ...] = ()
    options: PackOptions = field(default_factory=PackOptions)
    demo: tuple[tuple[str, int], ...] = ()


def record_paths(name: str, paths: Iterable[Path | str], options: PackOptions) -> None:
    """Record the files of a data set that was just packed.

    Raises:
        DataError: the record cannot be written.
    """
    absolute = [str(Path(path).expanduser().absolute()) for path in paths]
    _write(name, {"paths": absolute, "options": options.to_json()})


def record_demo(name: str, *, cases: int, seed: int) -> None:
    """Record the settings of generated tissue; errors as of `record_paths`."""
    _write(name, {"demo": {"cases": cases, "seed": seed}})


def read_source(name: str) -> RecordedSource:
    """What a data set was packed from.

    Raises:
        DataError: there is no such data set, or its source is not recorded or damaged.
    """
    if check_store_name(name) not in list_stores():
        raise DataError(f"There is no data set named '{name}'.")
    try:
        record = read_record(data_dir() / name / SOURCE_FILE)
        if "demo" in record:
            cases, seed = int(record["demo"]["cases"]), int(record["demo"]["seed"])
            return RecordedSource(demo=(("cases", cases), ("seed", seed)))
        paths = tuple(Path(path) for path in record["paths"])
        options = PackOptions.from_json(record["options"])
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise DataError(
            f"It is not recorded what the data set '{name}' was packed from. Delete it, then add "
            "it again."
        ) from error
    return RecordedSource(paths, options)


def _write(name: str, record: dict[str, Any]) -> None:
    try:
        atomic.replace_json(data_dir() / name / SOURCE_FILE, with_checksum(record))
    except OSError as error:
        raise DataError(
            f"The data set '{name}' is packed, but its source could not be recorded "
            f"({error.strerror}), so that it cannot be packed again by itself."
        ) from error
