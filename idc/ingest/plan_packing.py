"""Pack a recognised plan into a store, and preview it before."""

import os
from collections import Counter
from collections.abc import Generator
from contextlib import closing
from dataclasses import asdict, dataclass, replace
from typing import Any

import cv2
import numpy as np

from idc.datasets.description import KAGGLE_DESCRIPTION
from idc.datasets.splits import PARTS
from idc.datasets.store import PackReport
from idc.datasets.store_writer import PatchBlock, StoreWriter
from idc.errors import DataError, UploadError
from idc.files.sources import UnreadableMember
from idc.ingest.layouts.class_names import PositiveClassUnknown
from idc.ingest.layouts.plan import PackOptions, PackPlan
from idc.ingest.layouts.prepare import PreparedPlan, Sample, prepare, take_sample
from idc.ingest.packing import judge_sizes
from idc.processes.prefetch import map_ahead
from idc.progress import ProgressCallback

_BATCH_BYTES = 4_000_000  # of pixels
_MAX_THREADS = 8
_MAX_DAMAGED_NAMES = 20


@dataclass(frozen=True)
class PackPreview:
    """What would be packed.

    Attributes:
        layout: what was recognised.
        classes: class in the files -> number of patches, sorted by name.
        class_names: (negative, positive) of the store; empty while the positive one is unknown.
        question: what the user must choose before packing; "" if nothing.
        parts: part -> number of patches; empty without parts.
        sizes: "96x96" -> number among the sampled pictures, the commonest first.
        side_px, mpp_um: of the stored patches; None while unknown.
    """

    layout: str
    patches: int
    classes: dict[str, int]
    class_names: tuple[str, ...]
    question: str
    cases: int
    has_places: bool
    parts: dict[str, int]
    sizes: dict[str, int]
    side_px: int | None
    mpp_um: float | None
    copies: int
    foreign: int
    notes: tuple[str, ...]

    def to_json(self) -> dict[str, object]:
        """Plain values, for `from_json`."""
        return asdict(self)

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> "PackPreview":
        """Parse the form of `to_json` after a passage through JSON text."""
        texts = {name: tuple(values[name]) for name in ("class_names", "notes")}
        return cls(**{**values, **texts})

    def lines(self) -> list[str]:
        """The preview as text, one fact a line."""
        classes = ", ".join(f"{name}: {count:,}" for name, count in self.classes.items())
        lines = [
            f"Recognised: {self.layout}",
            f"{self.patches:,} patches ({classes})",
        ]
        if self.class_names:
            lines.append(f"Negative: {self.class_names[0]}; positive: {self.class_names[1]}")
        sizes = ", ".join(f"{size} px: {count:,}" for size, count in self.sizes.items())
        lines.append(f"Sizes in a sample: {sizes}")
        if self.side_px is not None:
            scale = "unknown scale" if self.mpp_um is None else f"{self.mpp_um:.3g} um per pixel"
            lines.append(f"Stored: {self.side_px}x{self.side_px} px, {scale}")
        lines.append(f"Cases: {self.cases:,}" if self.cases else "Cases: unknown")
        if self.parts:
            lines.append(", ".join(f"{part}: {count:,}" for part, count in self.parts.items()))
        if self.copies:
            lines.append(f"{self.copies:,} likely copies by their names; --skip-copies drops them")
        if self.foreign:
            lines.append(f"{self.foreign:,} other files are skipped")
        lines += self.notes
        return [*lines, self.question] if self.question else lines


def preview_plan(plan: PackPlan, options: PackOptions) -> tuple[PackPreview, Sample]:
    """What would be packed, and sampled pictures.

    Raises:
        DataError: the plan cannot be packed, for another reason than an unknown positive class.
    """
    sample = take_sample(plan)
    prepared, question = None, ""
    try:
        prepared = prepare(plan, options, sample)
    except PositiveClassUnknown as error:
        question = str(error)
    about = prepared.description if prepared else None
    preview = replace(
        _counted(plan, sample),
        class_names=about.class_names if about else (),
        question=question,
        has_places=bool(about and about.has_places),
        side_px=about.side_px if about else options.side_px,
        mpp_um=about.mpp_um if about else options.mpp_um,
        notes=prepared.notes if prepared else plan.notes,
    )
    return preview, sample


def preview_kaggle(plan: PackPlan) -> tuple[PackPreview, Sample]:
    """What `idc.ingest.packing` would pack, and sampled pictures.

    Raises:
        DataError: none of the sampled pictures is readable.
    """
    sample = take_sample(plan)
    about = KAGGLE_DESCRIPTION
    at_its_scale = not judge_sizes(sample.sizes())[1]
    preview = replace(
        _counted(plan, sample),
        class_names=about.class_names,
        has_places=True,
        side_px=about.side_px,
        mpp_um=about.mpp_um if at_its_scale else None,
    )
    return preview, sample


def _counted(plan: PackPlan, sample: Sample) -> PackPreview:
    """The preview of what needs no decision."""
    parts = {}
    if plan.parts is not None:
        parts = {name: int((plan.parts == at).sum()) for at, name in enumerate(PARTS)}
    return PackPreview(
        layout=plan.layout,
        patches=len(plan),
        classes=dict(sorted(Counter(plan.classes).items())),
        class_names=(),
        question="",
        cases=len(set(plan.cases)),
        has_places=False,
        parts=parts,
        sizes={f"{w}x{h}": count for (h, w), count in sample.sizes().most_common(6)},
        side_px=None,
        mpp_um=None,
        copies=int(plan.copies.sum()),
        foreign=plan.foreign,
        notes=plan.notes,
    )


def pack_plan(
    plan: PackPlan,
    options: PackOptions,
    name: str,
    *,
    sources: tuple[str, ...],
    replace_existing: bool = False,
    on_progress: ProgressCallback | None = None,
) -> PackReport:
    """Pack a plan into the store ``name``.

    Args:
        sources: for the report: the names of files and folders.
        on_progress: called with (patches done, patches in all). An exception in it ends the packing
            without a trace.

    Raises:
        DataError: as `idc.ingest.layouts.prepare.prepare`; no picture is readable, the store
            exists, or the disk is full.
    """
    prepared = prepare(plan, options, take_sample(plan))
    side = prepared.description.side_px
    resized, damaged, written = 0, list[str](), 0
    with (
        StoreWriter(
            name,
            len(prepared),
            replace_existing=replace_existing,
            description=prepared.description,
        ) as writer,
        closing(_decode_all(prepared)) as batches,
    ):
        for done, batch in batches:
            writer.add_block(batch.block)
            written += len(batch.block)
            resized += batch.resized
            damaged += batch.damaged
            if on_progress:
                on_progress(done, len(prepared))
        if not written:
            raise DataError(
                f"None of the {len(prepared):,} pictures could be read; check the files."
            )
        notes = prepared.notes
        if resized:
            notes = (*notes, f"{resized:,} patches resized to {side}x{side} px.")
        return writer.finish(
            PackReport(
                sources=sources,
                damaged=len(damaged),
                damaged_names=tuple(damaged[:_MAX_DAMAGED_NAMES]),
                foreign=plan.foreign,
                resized=resized,
                layout=plan.layout,
                notes=notes,
            )
        )


def fit_to_side(rgb: np.ndarray, side_px: int, *, crop: bool) -> np.ndarray:
    """A picture as a patch.

    Args:
        rgb: uint8 RGB, shape (height, width, 3).
        crop: use the middle square instead of squeezing the whole picture.

    Returns:
        uint8 RGB, shape (side, side, 3): by area where it shrinks, else bilinear.
    """
    height, width = rgb.shape[:2]
    if crop and height != width:
        short = min(height, width)
        top, left = (height - short) // 2, (width - short) // 2
        rgb = rgb[top : top + short, left : left + short]
    if rgb.shape[:2] == (side_px, side_px):
        return rgb
    shrinks = min(rgb.shape[:2]) > side_px
    interpolation = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    return cv2.resize(rgb, (side_px, side_px), interpolation=interpolation)


@dataclass(frozen=True)
class _Batch:
    block: PatchBlock
    resized: int
    damaged: list[str]


def _decode_all(prepared: PreparedPlan) -> Generator[tuple[int, _Batch], None, None]:
    """(patches done, batch), in the order of the store."""
    size = max(1, _BATCH_BYTES // prepared.description.patch_bytes)
    starts = range(0, len(prepared), size)
    ranges = [range(start, min(start + size, len(prepared))) for start in starts]
    threads = min(os.cpu_count() or 1, _MAX_THREADS)
    batches = map_ahead(
        lambda rows: _decode_batch(prepared, rows), ranges, threads=threads, ahead=2 * threads
    )
    with closing(batches):
        for rows, batch in zip(ranges, batches, strict=True):
            yield rows.stop, batch


def _decode_batch(prepared: PreparedPlan, rows: range) -> _Batch:
    about, plan = prepared.description, prepared.plan
    pixels = np.empty((len(rows), *about.patch_shape), np.uint8)
    sizes = np.zeros((len(rows), 2), np.int16)
    resized, damaged = 0, []
    for at, row in enumerate(rows):
        number = int(prepared.order[row])
        try:
            rgb = plan.pictures.read(number)
        except (UnreadableMember, UploadError):
            damaged.append(plan.paths[number])
            continue
        resized += rgb.shape[:2] != (about.side_px, about.side_px)
        pixels[at] = fit_to_side(rgb, about.side_px, crop=not about.has_places)
        sizes[at] = _stored_size(prepared, rgb.shape[:2])
    valid = sizes[:, 0] > 0
    parts = None
    if plan.parts is not None:
        parts = plan.parts[prepared.order[rows.start : rows.stop]][valid]
    names = prepared.names[rows.start : rows.stop]
    return _Batch(PatchBlock(names[valid], pixels[valid], sizes[valid], parts), resized, damaged)


def _stored_size(prepared: PreparedPlan, size: tuple[int, int]) -> tuple[int, int]:
    """Height and width at the stored scale: below the side for patches at a slide's edge."""
    side = prepared.description.side_px
    if not prepared.description.has_places:
        return side, side
    factor = side / prepared.nominal_px
    height, width = (min(side, max(1, round(length * factor))) for length in size)
    return height, width
