"""Image files whose labels stand in a CSV: ``file,label[,case,x,y]``."""

import csv
import io
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath

from idc.errors import DataError
from idc.files.sources import Source
from idc.ingest.layouts.class_folders import ImageListing, parse_places
from idc.ingest.layouts.class_names import known_order
from idc.ingest.layouts.image_pictures import ImagePictures
from idc.ingest.layouts.likely_copies import likely_copies
from idc.ingest.layouts.plan import PackOptions, PackPlan

_MAX_BYTES = 200 * 10**6
_NAMES = {  # column -> the headings that are understood
    "file": ("file", "filename", "file_name", "path", "image", "image_id", "id", "name"),
    "label": ("label", "class", "target", "diagnosis"),
    "case": ("case", "case_id", "patient", "patient_id", "slide", "slide_id", "wsi"),
    "x": ("x", "coord_x", "x_coord"),
    "y": ("y", "coord_y", "y_coord"),
}


def recognise_label_table(
    table: Path, sources: Sequence[Source], listing: ImageListing, options: PackOptions
) -> PackPlan:
    """Join the files with the rows of a table.

    A row's file is a path within a source, with or without the source's name, or a file name that
    occurs once, with or without its suffix.

    Raises:
        DataError: the table is unreadable, lacks a column, or names none of the files.
    """
    rows = _read_rows(table)
    columns = _find_columns(table, list(rows[0]))
    numbers = _file_numbers(listing.paths)
    found: dict[int, Mapping[str, str]] = {}
    missing = 0
    for row in rows:
        number = numbers.get(_plain_path(row[columns["file"]]))
        if number is None:
            missing += 1
        else:
            found[number] = row
    if not found:
        raise DataError(
            f"None of the {len(rows):,} files in '{table.name}' is among the "
            f"{len(listing.paths):,} pictures; the first row names "
            f"'{rows[0][columns['file']][:100]}'. Give the folder or zip that the names refer to."
        )
    order = sorted(found)
    paths = [listing.paths[number] for number in order]
    classes = [found[number][columns["label"]].strip() for number in order]
    cases = []
    if "case" in columns and options.with_cases:
        cases = [found[number][columns["case"]].strip() for number in order]
    places = None
    if {"x", "y"} <= set(columns):
        places = parse_places(
            [(found[number][columns["x"]], found[number][columns["y"]]) for number in order]
        )
    notes = [f"{len(set(cases)):,} cases, from the table."] if cases else []
    if missing:
        notes.append(f"{missing:,} rows of the table name a file that is not there.")
    without = len(listing.paths) - len(found)
    return PackPlan(
        layout=f"labels from '{table.name}'",
        paths=paths,
        pictures=ImagePictures(sources, [listing.members[number] for number in order], paths),
        classes=classes,
        cases=cases,
        places=places,
        copies=likely_copies(paths),
        foreign=listing.others + without,
        notes=tuple(notes),
        class_order=known_order(sorted(set(classes))),
    )


def _read_rows(table: Path) -> list[dict[str, str]]:
    try:
        if table.stat().st_size > _MAX_BYTES:
            raise DataError(f"'{table.name}' is larger than {_MAX_BYTES // 10**6} MB.")
        text = table.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise DataError(f"'{table}' cannot be read ({error.strerror}); check the path.") from error
    except UnicodeDecodeError as error:
        raise DataError(f"'{table.name}' is not a text file in UTF-8; save it as CSV.") from error
    first = text.partition("\n")[0]
    delimiter = max(",;\t", key=first.count)
    try:
        rows = list(csv.DictReader(io.StringIO(text), delimiter=delimiter, restval=""))
    except csv.Error as error:
        raise DataError(f"'{table.name}' is not a readable CSV: {error}.") from error
    if not rows:
        raise DataError(f"'{table.name}' has no rows below its heading.")
    return rows


def _find_columns(table: Path, headings: Sequence[str | None]) -> dict[str, str]:
    """Column -> its heading in the table."""
    by_plain = {heading.strip().lower(): heading for heading in headings if heading}
    found: dict[str, str] = {}
    for column, names in _NAMES.items():
        free = [
            by_plain[name] for name in names if by_plain.get(name) not in (None, *found.values())
        ]
        if free:
            found[column] = free[0]
    if {"x", "y"} & set(found) and not {"x", "y"} <= set(found):
        found.pop("x", None)
        found.pop("y", None)
    if "file" not in found or "label" not in found:
        listed = ", ".join(map(repr, by_plain)) or "none"
        raise DataError(
            f"'{table.name}' needs the columns file and label, and may have case, x and y. Its "
            f"headings are {listed[:200]}."
        )
    return found


def _file_numbers(paths: Sequence[str]) -> dict[str, int]:
    """Number of each file by its path, its path without the source, and unique names."""
    numbers = dict[str, int]()
    seen = dict[str, int]()
    for number, path in enumerate(paths):
        name = PurePosixPath(path)
        numbers[path] = number
        numbers.setdefault(str(PurePosixPath(*name.parts[1:])), number)
        for short in {name.name, name.stem}:
            seen[short] = seen.get(short, 0) + 1
    for number, path in enumerate(paths):
        name = PurePosixPath(path)
        for short in (name.name, name.stem):
            if seen[short] == 1:
                numbers.setdefault(short, number)
    return numbers


def _plain_path(text: str | None) -> str:
    path = (text or "").strip().replace("\\", "/")
    return str(PurePosixPath(path.removeprefix("./"))) if path else ""
