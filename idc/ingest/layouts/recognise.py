"""Recognise the layout of zips, folders, tables and arrays."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from idc.errors import DataError
from idc.files.file_kinds import ARCHIVE_SUFFIXES
from idc.files.sources import Source
from idc.ingest.layouts.array_files import ARRAY_SUFFIXES, recognise_hdf5, recognise_npz
from idc.ingest.layouts.class_folders import list_images, recognise_class_folders
from idc.ingest.layouts.label_table import recognise_label_table
from idc.ingest.layouts.plan import PackOptions, PackPlan, select


def array_paths(paths: Sequence[Path]) -> list[Path]:
    """The array files at these paths, and directly in these folders."""
    found = [path for path in paths if path.suffix.lower() in ARRAY_SUFFIXES and path.is_file()]
    for folder in (path for path in paths if path.is_dir()):
        found += sorted(p for p in folder.iterdir() if p.suffix.lower() in ARRAY_SUFFIXES)
    return found


def recognise_arrays(paths: Sequence[Path], options: PackOptions) -> PackPlan:
    """The plan of array files.

    Raises:
        DataError: they are damaged, or several ``.npz`` files, or of both kinds.
    """
    npz = [path for path in paths if path.suffix.lower() == ".npz"]
    if npz and len(paths) > 1:
        raise DataError("Give one .npz file, or the files of HDF5 pairs, but not both.")
    plan = recognise_npz(npz[0]) if npz else recognise_hdf5(paths)
    return checked(plan, options)


def recognise_files(sources: Sequence[Source], options: PackOptions) -> PackPlan:
    """The plan of image files in zips and folders.

    Raises:
        DataError: there are no pictures, or their layout is not understood; the sentence names
            what was found and the nearest layout that is understood.
    """
    listing = list_images(sources)
    if not listing.paths:
        where = ", ".join(repr(source.label) for source in sources)
        if archive := _first_archive(sources):
            raise DataError(
                f"There is no picture in {where}, but an archive, '{archive}'; unpack it and give "
                "the folder."
            )
        raise DataError(
            f"There is no picture in {where} ({listing.others:,} other files); PNG, JPEG, TIFF, "
            "BMP and WebP are read, also in zips, and HDF5 pairs and .npz files."
        )
    if options.labels is not None:
        plan = recognise_label_table(options.labels, sources, listing, options)
    else:
        plan = recognise_class_folders(sources, listing, options)
    return checked(plan, options)


def _first_archive(sources: Sequence[Source]) -> str:
    """The first file that is an archive by its name; "" for none."""
    names = (name for source in sources for name in source.names())
    return next((name for name in names if name.lower().endswith(ARCHIVE_SUFFIXES)), "")


def checked(plan: PackPlan, options: PackOptions) -> PackPlan:
    """The plan with the user's options applied."""
    if plan.cases and not options.with_cases:
        plan = replace(plan, cases=())
    if options.skip_copies and len(plan.copies) and plan.copies.any():
        plan = select(plan, ~plan.copies)
    if plan.places is not None and not plan.cases:
        return _without_places(plan, "Places count only together with cases; they are ignored.")
    if plan.places is not None and _has_two_at_one_place(plan):
        return _without_places(plan, "Several patches lie at one place; places are ignored.")
    return plan


def _has_two_at_one_place(plan: PackPlan) -> bool:
    assert plan.places is not None
    at = {(case, x, y) for case, (x, y) in zip(plan.cases, plan.places.tolist(), strict=True)}
    return len(at) < len(plan)


def _without_places(plan: PackPlan, note: str) -> PackPlan:
    return replace(plan, places=None, notes=(*plan.notes, note))


def on_one_grid(places: np.ndarray, cases: Sequence[str], step_px: int) -> bool:
    """Whether the places of each case lie on a grid of that step.

    Args:
        places: int32, shape (n, 2): x, y.
    """
    offsets: dict[str, tuple[int, int]] = {}
    for case, (x, y) in zip(cases, (places % step_px).tolist(), strict=True):
        if offsets.setdefault(case, (x, y)) != (x, y):
            return False
    return True
