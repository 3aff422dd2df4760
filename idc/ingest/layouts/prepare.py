"""Decide what a plan becomes: labels, order, side, scale and description of the store."""

import contextlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from idc.datasets.description import MAX_SIDE_PX, MIN_SIDE_PX, DataDescription, number_cases
from idc.errors import DataError, UploadError
from idc.files.sources import UnreadableMember
from idc.ingest.layouts.class_names import binary_labels
from idc.ingest.layouts.image_pictures import ImagePictures
from idc.ingest.layouts.plan import PackOptions, PackPlan
from idc.ingest.layouts.recognise import on_one_grid
from idc.patches import CLASS_NAMES, MPP_UM, PATCH_SIZE_PX

MAX_OWN_SIDE_PX = 256  # patches of one square size up to this keep it
DEFAULT_SIDE_PX = 128  # of all others

SHOWN_OF_A_CLASS = 6  # pictures in a preview
_SAMPLE = 48


@dataclass(frozen=True)
class Sample:
    """Some pictures of a plan, evenly spaced.

    Attributes:
        numbers: in the plan, of the readable ones.
        pictures: uint8 RGB, shape (height, width, 3) each.
        unreadable: how many could not be read.
        stated_mpp_um: the scales that the files state, without those that state none.
    """

    numbers: list[int]
    pictures: list[np.ndarray]
    unreadable: int
    stated_mpp_um: list[float]

    def sizes(self) -> Counter[tuple[int, int]]:
        """(height, width) -> number of pictures."""
        return Counter(picture.shape[:2] for picture in self.pictures)


@dataclass(frozen=True)
class PreparedPlan:
    """A plan with all decisions made.

    Attributes:
        names: int32, shape (n, 4): case, y, x, label, in the order of the store.
        order: int64, shape (n,): number in the plan of each row of ``names``.
        nominal_px: side of the files' patches that becomes ``description.side_px``.
        notes: what the user should know, one sentence each.
    """

    plan: PackPlan
    description: DataDescription
    names: np.ndarray
    order: np.ndarray
    nominal_px: int
    notes: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.names)


def take_sample(plan: PackPlan) -> Sample:
    """Read some pictures, to find their sizes and scales.

    Raises:
        DataError: none of them is readable.
    """
    chosen = np.unique(np.linspace(0, len(plan) - 1, min(_SAMPLE, len(plan))).astype(int)).tolist()
    numbers, pictures, scales, problem = list[int](), list[np.ndarray](), list[float](), ""
    for number in chosen:
        try:
            pictures.append(plan.pictures.read(number))
            numbers.append(number)
            if isinstance(plan.pictures, ImagePictures):
                scales += filter(None, [plan.pictures.stated_mpp_um(number)])
        except (UnreadableMember, UploadError) as error:
            problem = problem or str(error)
    if not pictures:
        raise DataError(f"None of the pictures could be read; the first problem: {problem}")
    return Sample(numbers, pictures, len(chosen) - len(numbers), scales)


def add_rare_classes(plan: PackPlan, sample: Sample) -> Sample:
    """The sample with the first pictures of classes of which it has fewer than `SHOWN_OF_A_CLASS`.

    The pictures to show; sizes and scales are judged by the sample alone.
    """
    numbers, pictures = list(sample.numbers), list(sample.pictures)
    counts = Counter(plan.classes[number] for number in numbers)
    known = set(numbers)
    for number, name in enumerate(plan.classes):
        if counts[name] >= SHOWN_OF_A_CLASS or number in known:
            continue
        counts[name] += 1  # an unreadable one counts too, so that few are tried
        with contextlib.suppress(UnreadableMember, UploadError):
            pictures.append(plan.pictures.read(number))
            numbers.append(number)
    return replace(sample, numbers=numbers, pictures=pictures)


def prepare(plan: PackPlan, options: PackOptions, sample: Sample) -> PreparedPlan:
    """Make all decisions about a plan.

    Raises:
        DataError: the classes are not two, the positive one is unknown, or a value is out of range.
    """
    labels, class_names = binary_labels(plan.classes, plan.class_order, options.positive)
    if len(options.class_names) == 2:
        class_names = (options.class_names[0], options.class_names[1])
    given_mpp_um = options.mpp_um
    notes = list(plan.notes)
    side, nominal, sizes_note = _choose_side(
        sample, options.side_px, placed=plan.places is not None
    )
    notes += sizes_note
    if plan.class_order == CLASS_NAMES and nominal == PATCH_SIZE_PX:
        given_mpp_um = given_mpp_um or MPP_UM  # named and sized as in the Kaggle set
    mpp_um, scale_notes = _choose_scale(sample, given_mpp_um, nominal, side)
    notes += scale_notes
    plan, place_notes = _check_grid(plan, nominal)
    notes += place_notes
    cases, case_names = number_cases(list(plan.cases)) if plan.cases else (None, ())
    names = np.zeros((len(plan), 4), np.int32)  # case, y, x, label
    names[:, 3] = labels
    if cases is not None:
        names[:, 0] = cases
    if plan.places is not None:
        names[:, 1:3] = _scaled_places(plan.places, nominal, side)[:, ::-1]
    else:
        names[:, 2] = np.arange(len(plan))
    order = np.lexsort((names[:, 2], names[:, 1], names[:, 0]))
    description = DataDescription(
        side_px=side,
        mpp_um=mpp_um,
        class_names=class_names,
        case_names=case_names,
        has_cases=bool(plan.cases),
        has_places=plan.places is not None,
        has_parts=plan.parts is not None,
    )
    return PreparedPlan(plan, description, names[order], order, nominal, tuple(notes))


def _choose_side(
    sample: Sample, wanted_px: int | None, *, placed: bool
) -> tuple[int, int, list[str]]:
    """The side of the store, the side of the files' patches, and notes."""
    sizes = sample.sizes()
    (height, width), count = sizes.most_common(1)[0]
    nominal = min(height, width)
    uniform = len(sizes) == 1 or (placed and count > len(sample.pictures) / 2)
    notes = []
    if wanted_px is not None:
        side = wanted_px
    elif uniform and height == width and nominal <= MAX_OWN_SIDE_PX:
        side = max(MIN_SIDE_PX, nominal)
    else:
        side = DEFAULT_SIDE_PX
    if not uniform:
        spread = f"{_size_text(min(sizes))} to {_size_text(max(sizes))}"
        notes.append(f"The pictures have different sizes ({spread} px).")
    if height != width or not uniform:
        notes.append("Of a picture that is not square, the middle square is used.")
    if (height, width) != (side, side) or not uniform:
        notes.append(f"The patches are stored with {side}x{side} px; --side chooses another size.")
    if not MIN_SIDE_PX <= side <= MAX_SIDE_PX:
        DataDescription(side_px=side)  # raises the sentence
    return side, nominal if uniform else 0, notes


def _choose_scale(
    sample: Sample, given_um: float | None, nominal_px: int, side_px: int
) -> tuple[float | None, list[str]]:
    """Micrometres per pixel of the stored patches, and notes."""
    stated = sorted({round(mpp_um, 4) for mpp_um in sample.stated_mpp_um})
    notes, mpp_um = [], given_um
    if given_um is None and len(stated) == 1 and len(sample.stated_mpp_um) == len(sample.pictures):
        mpp_um = stated[0]
        notes.append(f"The files state {mpp_um:g} µm per pixel.")
    elif given_um is not None and stated and any(abs(s / given_um - 1) > 0.02 for s in stated):
        notes.append(
            f"The files state {', '.join(f'{s:g}' for s in stated[:3])} µm per pixel; the given "
            f"{given_um:g} is used."
        )
    if mpp_um is None:
        return None, [*notes, "The scale is unknown; --mpp states it."]
    if not nominal_px:
        return None, [*notes, "The scale is unknown, because the pictures have different sizes."]
    stored = mpp_um * nominal_px / side_px
    if nominal_px != side_px:
        notes.append(f"Resizing changes the scale to {stored:.3g} µm per pixel.")
    return stored, notes


def _check_grid(plan: PackPlan, nominal_px: int) -> tuple[PackPlan, list[str]]:
    """The plan without places if they are on no grid."""
    if plan.places is None:
        return plan, []
    if nominal_px and on_one_grid(plan.places, plan.cases, nominal_px):
        return plan, []
    note = "The places are not on a grid of the patches' size, so they are ignored."
    return replace(plan, places=None), [note]


def _scaled_places(places: np.ndarray, nominal_px: int, side_px: int) -> np.ndarray:
    """Places in px of the stored scale; neighbours lie ``side_px`` apart."""
    cells, offsets = np.divmod(places.astype(np.int64), nominal_px)
    scaled = cells * side_px + np.rint(offsets * (side_px / nominal_px)).astype(np.int64)
    if len(scaled) and scaled.max() > np.iinfo(np.int32).max:
        raise DataError("x and y are too large for patches of this side; choose a smaller --side.")
    return scaled.astype(np.int32)


def _size_text(size: Sequence[int]) -> str:
    return f"{size[1]}x{size[0]}"
