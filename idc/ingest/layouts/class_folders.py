"""Image files in class folders, with the parts and cases that other folders name.

A path's folders are compared over all files: the folder of the parts is named train, val, test or
alike; the class folder is of a known pair or takes two names; the folder of the cases is the
nearest other one that takes several names.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

import numpy as np

from idc.errors import DataError
from idc.files.sources import Source
from idc.ingest.layouts.class_names import known_order, plain
from idc.ingest.layouts.image_pictures import ImagePictures, is_picture
from idc.ingest.layouts.likely_copies import likely_copies
from idc.ingest.layouts.plan import PackOptions, PackPlan, compile_pattern
from idc.uploads.file_batch import label_conflict_note, label_in_name

PART_FOLDERS = {  # folder -> position in `idc.datasets.splits.PARTS`
    "train": 0,
    "training": 0,
    "val": 1,
    "valid": 1,
    "validation": 1,
    "dev": 1,
    "test": 2,
    "testing": 2,
}
_PART_NAMES = ("training", "validation", "test")
_MAGNIFICATION = re.compile(r"\d+[xX]")
_MAX_COORDINATE = 10**9 - 1


@dataclass(frozen=True)
class ImageListing:
    """The image files of some sources.

    Attributes:
        paths: "source/folder/name", '/' between folders.
        members: number of the source and of the file in it.
        others: number of files that are no images.
    """

    paths: list[str]
    members: list[tuple[int, int]]
    others: int


def list_images(sources: Sequence[Source]) -> ImageListing:
    """List all sources.

    Raises:
        DataError: a folder cannot be read.
    """
    paths, members, others = [], [], 0
    for number, source in enumerate(sources):
        for member, name in enumerate(source.names()):
            if is_picture(name):
                paths.append(f"{source.label}/{name}")
                members.append((number, member))
            else:
                others += 1
    return ImageListing(paths, members, others)


def recognise_class_folders(
    sources: Sequence[Source], listing: ImageListing, options: PackOptions
) -> PackPlan:
    """Recognise classes, parts and cases by the folders, or by the user's pattern.

    Raises:
        DataError: the pictures are in no two classes; the sentence names what was found.
    """
    folders = [PurePosixPath(path).parts[:-1] for path in listing.paths]
    parts, part_level = _find_parts(folders)
    matches = _match_pattern(listing.paths, options.pattern)
    notes: list[str] = []
    by_pattern = bool(matches) and "label" in matches[0].groupdict()
    if by_pattern:
        classes, class_level = [match["label"] or "" for match in matches], None
    else:
        classes, class_level = _find_classes(folders, part_level, options.positive)
    cases, where = _find_cases(folders, {part_level, class_level}, matches, options)
    places = _places(matches)
    if part_level is not None:
        used = [_PART_NAMES[number] for number in sorted(set(parts.tolist()))]
        notes.append(f"The folders give the parts: {', '.join(used)}.")
    if cases:
        notes.append(f"{len(set(cases)):,} cases, from {where}.")
    elif options.with_cases:
        notes.append("No folder and no pattern tells which pictures are of one patient.")
    if not by_pattern and (order := known_order(sorted(set(classes)))):
        stated = [label_in_name(path) for path in listing.paths]
        conflicts = sum(
            label is not None and name != order[label]
            for label, name in zip(stated, classes, strict=True)
        )
        notes += filter(None, [label_conflict_note(conflicts, "folder")])
    return PackPlan(
        layout="the label by a pattern" if by_pattern else "class folders",
        paths=listing.paths,
        pictures=ImagePictures(sources, listing.members, listing.paths),
        classes=classes,
        cases=cases,
        places=places,
        parts=parts if part_level is not None else None,
        copies=likely_copies(listing.paths),
        foreign=listing.others,
        notes=tuple(notes),
        class_order=known_order(sorted(set(classes))),
    )


def _find_parts(folders: Sequence[tuple[str, ...]]) -> tuple[np.ndarray, int | None]:
    """The part of each file and the folder level that names it; no level without parts."""
    for level in range(min(map(len, folders), default=0)):
        parts = [PART_FOLDERS.get(folder[level].lower(), -1) for folder in folders]
        if min(parts) >= 0 and len(set(parts)) > 1:
            return np.array(parts, np.int8), level
    return np.zeros(0, np.int8), None


def _find_classes(
    folders: Sequence[tuple[str, ...]], part_level: int | None, positive: Sequence[str]
) -> tuple[list[str], int]:
    """The class of each file and the folder level that names it."""
    depth = min(map(len, folders), default=0)
    levels = {
        level: {folder[level] for folder in folders}
        for level in range(depth)
        if level != part_level
    }
    wanted = set(positive)
    chosen = [
        *(level for level, names in levels.items() if wanted and wanted <= names),
        *(level for level, names in levels.items() if known_order(sorted(names))),
    ]
    if not chosen:
        chosen = [level for level, names in levels.items() if len(names) == 2]
        if len(chosen) > 1:
            described = "; ".join("/".join(sorted(levels[level])) for level in chosen)
            raise DataError(
                f"Several folders take two names ({described}), so the class is unclear; name the "
                "positive class with --positive."
            )
    if not chosen:
        raise DataError(_no_classes(levels))
    level = chosen[0]
    return [folder[level] for folder in folders], level


def _no_classes(levels: dict[int, set[str]]) -> str:
    """The sentence for pictures without two class folders."""
    several = [names for names in levels.values() if len(names) > 2]
    if several:
        names = min(several, key=len)
        listed = ", ".join(sorted(names)[:8]) + (" ..." if len(names) > 8 else "")
        return (
            f"There are {len(names):,} folders ({listed}) instead of two class folders; name the "
            "positive class with --positive (all others become the negative one), or give the "
            "labels with --labels TABLE.csv."
        )
    only = "/".join(next(iter(names)) for names in levels.values())
    return (
        f"All pictures lie in '{only}', and their names tell no class; give the folder above two "
        "class folders, both folders, a table with --labels, or a --pattern with a group label."
    )


def _find_cases(
    folders: Sequence[tuple[str, ...]],
    taken: set[int | None],
    matches: Sequence[re.Match[str]],
    options: PackOptions,
) -> tuple[list[str], str]:
    """The case of each file and where it was found; empty if unknown."""
    if not options.with_cases:
        return [], ""
    if matches and "case" in matches[0].groupdict():
        return [match["case"] or "" for match in matches], "the pattern"
    depth = min(map(len, folders), default=0)
    for level in sorted(set(range(1, depth)) - taken, reverse=True):  # level 0 is the source
        names = {folder[level] for folder in folders}
        if len(names) > 1 and not all(_is_no_case(name) for name in names):
            example = sorted(names)[0]
            return [folder[level] for folder in folders], f"the folders like '{example}'"
    return [], ""


def _is_no_case(name: str) -> bool:
    return _MAGNIFICATION.fullmatch(name) is not None or plain(name) in PART_FOLDERS


def _match_pattern(paths: Sequence[str], pattern: str) -> list[re.Match[str]]:
    """One match for each path; [] without a pattern.

    Raises:
        DataError: a path does not match.
    """
    if not pattern:
        return []
    compiled = compile_pattern(pattern)
    matches = [compiled.search(path) for path in paths]
    found = [match for match in matches if match is not None]
    if len(found) < len(paths):
        missed = next(path for path, match in zip(paths, matches, strict=True) if match is None)
        raise DataError(
            f"The pattern matches {len(found):,} of {len(paths):,} files, but not "
            f"'{missed[:200]}'; correct the pattern."
        )
    return found


def _places(matches: Sequence[re.Match[str]]) -> np.ndarray | None:
    """int32, shape (n, 2); None if the pattern has no x and y.

    Raises:
        DataError: x or y is not a whole number.
    """
    if not matches or not {"x", "y"} <= set(matches[0].groupdict()):
        return None
    return parse_places([(match["x"], match["y"]) for match in matches])


def parse_places(texts: Sequence[tuple[str, str]]) -> np.ndarray:
    """Places from text: int32, shape (n, 2).

    Raises:
        DataError: x or y is not a whole number of at most nine digits.
    """
    try:
        places = np.array([(int(x), int(y)) for x, y in texts], np.int64).reshape(-1, 2)
    except (TypeError, ValueError) as error:
        raise DataError("x and y must be whole numbers of pixels; correct them.") from error
    if len(places) and not (places.min() >= 0 and places.max() <= _MAX_COORDINATE):
        raise DataError("x and y must lie between 0 and 999,999,999; correct them.")
    return places.astype(np.int32)
