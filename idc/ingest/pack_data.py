"""Pack zips, folders, tables and arrays of any understood layout into a store.

Files named as in the Kaggle set go through `idc.ingest.packing`, everything else through a plan
(`idc.ingest.layouts`).
"""

import contextlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path, PurePosixPath

import numpy as np

from idc.datasets.store import PackReport
from idc.errors import DataError
from idc.files.sources import OpenSources, Source, UnreadableMember, existing_path
from idc.ingest.layouts.class_folders import PART_FOLDERS
from idc.ingest.layouts.image_pictures import ImagePictures
from idc.ingest.layouts.plan import PackOptions, PackPlan
from idc.ingest.layouts.prepare import Sample, add_rare_classes
from idc.ingest.layouts.recognise import array_paths, checked, recognise_arrays, recognise_files
from idc.ingest.listing import PatchListing, list_patches
from idc.ingest.packing import decode_patch, pack_listing
from idc.ingest.plan_packing import PackPreview, pack_plan, preview_kaggle, preview_plan
from idc.ingest.recorded_source import record_paths
from idc.patches import CLASS_NAMES
from idc.progress import ProgressCallback
from idc.uploads.zip_archive import MAX_MEMBER_BYTES

KAGGLE_LAYOUT = "patches named as in the Kaggle set"
_PATHS_LOOKED_AT = 1_000  # for folders of parts above patches with the Kaggle set's names


@dataclass(frozen=True)
class _Recognised:
    """What the paths hold. ``listing`` is given for the Kaggle set's own layout."""

    plan: PackPlan
    sources: Sequence[Source]
    labels: tuple[str, ...]
    listing: PatchListing | None = None


def pack_data(
    paths: Iterable[Path | str],
    name: str,
    options: PackOptions | None = None,
    *,
    replace_existing: bool = False,
    on_progress: ProgressCallback | None = None,
) -> PackReport:
    """Pack files of any understood layout into the store ``name``.

    Args:
        on_progress: called with (patches done, patches in all). An exception in it ends the packing
            without a trace.

    Raises:
        DataError: the layout is not understood, a source is unreadable, the positive class is
            unknown, the store exists, or the disk is full.
    """
    options, paths = options or PackOptions(), list(paths)
    with _recognised(paths, options) as found:
        if found.listing is not None:
            report = pack_listing(
                found.sources,
                found.listing,
                name,
                replace_existing=replace_existing,
                on_progress=on_progress,
            )
        else:
            report = pack_plan(
                found.plan,
                options,
                name,
                sources=found.labels,
                replace_existing=replace_existing,
                on_progress=on_progress,
            )
    record_paths(name, paths, options)
    return report


def preview_data(
    paths: Iterable[Path | str], options: PackOptions | None = None
) -> tuple[PackPreview, Sample, list[str]]:
    """What `pack_data` would pack.

    Returns:
        the preview, sampled pictures, at least some of each class, and the class of each of them.

    Raises:
        DataError: as `pack_data`, except for an unknown positive class.
    """
    options = options or PackOptions()
    with _recognised(paths, options) as found:
        if found.listing is not None:
            preview, sample = preview_kaggle(found.plan)
        else:
            preview, sample = preview_plan(found.plan, options)
        sample = add_rare_classes(found.plan, sample)
        return preview, sample, [found.plan.classes[number] for number in sample.numbers]


@contextlib.contextmanager
def _recognised(paths: Iterable[Path | str], options: PackOptions) -> Iterator[_Recognised]:
    existing = [existing_path(path) for path in paths]
    if arrays := array_paths(existing):
        yield _Recognised(recognise_arrays(arrays, options), (), tuple(p.name for p in arrays))
        return
    existing, options = _labels_among(existing, options)
    with OpenSources(existing, MAX_MEMBER_BYTES) as sources:
        labels = tuple(source.label for source in sources)
        listing = None
        if options.labels is None and not options.pattern:
            listing = list_patches(sources, labels)
        if listing is None or not len(listing):
            yield _Recognised(recognise_files(sources, options), sources, labels)
            return
        has_parts = _names_parts(sources)
        plan = _kaggle_plan(listing, sources, with_parts=has_parts)
        plain = options == PackOptions() and not has_parts
        if plain:
            yield _Recognised(plan, sources, labels, listing)
        else:
            yield _Recognised(checked(plan, options), sources, labels)


def _labels_among(paths: list[Path], options: PackOptions) -> tuple[list[Path], PackOptions]:
    """A CSV among the paths counts as the table of labels beside its own folder.

    Raises:
        DataError: there are several.
    """
    tables = [path for path in paths if path.suffix.lower() == ".csv" and path.is_file()]
    if not tables:
        return paths, options
    if len(tables) > 1 or options.labels is not None:
        raise DataError("Give one table of labels only.")
    others = [path for path in paths if path != tables[0]]
    return others or [tables[0].absolute().parent], replace(options, labels=tables[0])


def _names_parts(sources: Sequence[Source]) -> bool:
    """Whether the first files lie in folders named train, val, test or alike."""
    first = [path for source in sources for path in islice(source.names(), _PATHS_LOOKED_AT)]
    folders = {folder.lower() for path in first for folder in PurePosixPath(path).parts[:-1]}
    return not folders.isdisjoint(PART_FOLDERS)


def _kaggle_plan(listing: PatchListing, sources: Sequence[Source], *, with_parts: bool) -> PackPlan:
    """A plan of patches that are named as in the Kaggle set."""
    case, y, x, label = listing.names.T
    firsts = listing.copies[listing.starts[:-1]].tolist()
    paths = _paths_of(sources, firsts)
    parts = None
    if with_parts:
        found = [_part_of(path) for path in paths]
        if None in found:
            missing = paths[found.index(None)]
            raise DataError(
                f"Some patches lie in folders named train, val or test, but '{missing}' does not; "
                "move it, or rename these folders."
            )
        parts = np.array(found, np.int8)
    members = [(source, number) for source, number in firsts]
    return PackPlan(
        layout=KAGGLE_LAYOUT,
        paths=paths,
        pictures=_KagglePictures(sources, members, paths),
        classes=[CLASS_NAMES[value] for value in label.tolist()],
        cases=[str(value) for value in case.tolist()],
        places=np.stack([x, y], axis=1),
        parts=parts,
        foreign=listing.foreign,
        notes=tuple(
            filter(None, ("The file names give case, place and label.", listing.conflict_note()))
        ),
        class_order=CLASS_NAMES,
    )


class _KagglePictures(ImagePictures):
    """Pictures of the Kaggle set are PNG files, decoded as `idc.ingest.packing` does."""

    def read(self, number: int) -> np.ndarray:
        source, member = self._members[number]
        image = decode_patch(self._sources[source].read(member))
        if image is None:
            raise UnreadableMember(self._paths[number])
        return image


def _paths_of(sources: Sequence[Source], members: list[list[int]]) -> list[str]:
    """ "source/folder/name" of some files."""
    wanted = {(source, number): at for at, (source, number) in enumerate(members)}
    paths = [""] * len(members)
    for source_number, source in enumerate(sources):
        for number, name in enumerate(source.names()):
            at = wanted.get((source_number, number))
            if at is not None:
                paths[at] = f"{source.label}/{name}"
    return paths


def _part_of(path: str) -> int | None:
    """Position in `idc.datasets.splits.PARTS` by the nearest folder of a part."""
    folders = PurePosixPath(path).parts[:-1]
    named = [PART_FOLDERS[name.lower()] for name in folders if name.lower() in PART_FOLDERS]
    return named[-1] if named else None
