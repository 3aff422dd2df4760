"""What a data set holds: size and scale of its patches, its classes, cases and places."""

from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from idc.errors import DataError
from idc.patches import CLASS_NAMES, MPP_UM, PATCH_SIZE_PX, target_name

MIN_SIDE_PX, MAX_SIDE_PX = 28, 512
MIN_MPP_UM, MAX_MPP_UM = 0.05, 16.0  # as `idc.imaging.rescaling`
MAX_CLASS_NAME_LENGTH = 60


@dataclass(frozen=True)
class DataDescription:
    """The description of a data set; the defaults describe the Kaggle set.

    Attributes:
        side_px: side of the stored patches, 28 to 512.
        mpp_um: micrometres per pixel of the stored patches; None if unknown.
        class_names: names of the negative and the positive class; position = label.
        case_names: name of case k at position k. Empty where the case's number is its name.
        has_cases: whether patches of one patient can be told apart from others. Without, every
            patch is of case 0.
        has_places: whether x and y are places on a slide. Without, they only number the patches.
        has_parts: whether the data set comes with its own training, validation and test part.

    Raises:
        DataError: a value lies outside its range.
    """

    side_px: int = PATCH_SIZE_PX
    mpp_um: float | None = MPP_UM
    class_names: tuple[str, str] = CLASS_NAMES
    case_names: tuple[str, ...] = ()
    has_cases: bool = True
    has_places: bool = True
    has_parts: bool = False

    def __post_init__(self) -> None:
        if not MIN_SIDE_PX <= self.side_px <= MAX_SIDE_PX:
            raise DataError(
                f"The side of a patch must lie between {MIN_SIDE_PX} and {MAX_SIDE_PX} px; choose "
                f"it with --side. Received: {self.side_px}"
            )
        if self.mpp_um is not None and not MIN_MPP_UM <= self.mpp_um <= MAX_MPP_UM:
            raise DataError(
                f"The scale must lie between {MIN_MPP_UM:g} and {MAX_MPP_UM:g} um per pixel (40x "
                f"is 0.25, 20x 0.5, 2.5x 4). Received: {self.mpp_um:g}"
            )
        negative, positive = self.class_names
        if negative == positive or not all(
            0 < len(name) <= MAX_CLASS_NAME_LENGTH and name.isprintable()
            for name in self.class_names
        ):
            raise DataError(
                f"The two classes need different names of 1 to {MAX_CLASS_NAME_LENGTH} printable "
                f"characters. Received: {negative[:80]!r} and {positive[:80]!r}"
            )

    @property
    def patch_shape(self) -> tuple[int, int, int]:
        """(side, side, 3)."""
        return (self.side_px, self.side_px, 3)

    @property
    def patch_bytes(self) -> int:
        """Bytes of one stored patch, uint8 RGB."""
        return 3 * self.side_px**2

    @property
    def is_idc_set(self) -> bool:
        """Whether it is described like the Kaggle set, or a part of it.

        The published split, the expected counts and the bundled model apply only there.
        """
        return replace(self, has_parts=False) == KAGGLE_DESCRIPTION

    def case_name(self, case: int) -> str:
        """The name of a case, by its number in the index."""
        return self.case_names[case] if case < len(self.case_names) else str(case)

    def class_name(self, label: int) -> str:
        """The name of a class {0, 1}."""
        return self.class_names[int(label)]

    @property
    def target(self) -> str:
        """What a probability is of: "IDC" in the Kaggle set, else the positive class's name."""
        return target_name(self.class_names)

    def patch_title(self, case: int, x: int, y: int) -> str:
        """ "case 8863, x 451, y 1451"; without places its number instead, without cases no case."""
        where = f"x {x}, y {y}" if self.has_places else f"patch {x}"
        return f"case {self.case_name(case)}, {where}" if self.has_cases else where

    def size_text(self, height_px: int, width_px: int) -> str:
        """ "200 × 200 µm of tissue", or in px where the scale is unknown."""
        if self.mpp_um is None:
            return f"{width_px} × {height_px} px, unknown scale"
        return f"{round(width_px * self.mpp_um)} × {round(height_px * self.mpp_um)} µm of tissue"

    def scale_text(self) -> str:
        """ "4 µm per pixel", or that the scale is unknown."""
        return "unknown scale" if self.mpp_um is None else f"{self.mpp_um:g} µm per pixel"

    def to_json(self) -> dict[str, Any]:
        """Plain values, for `from_json`."""
        return asdict(self)

    @classmethod
    def from_json(cls, value: Any) -> "DataDescription":
        """Parse the form of `to_json`; None is the Kaggle set, as in files of older versions.

        Raises:
            DataError: a field is missing, unknown or out of range.
        """
        if value is None:
            return KAGGLE_DESCRIPTION
        try:
            negative, positive = map(str, value["class_names"])
            fields = {
                **value,
                "class_names": (negative, positive),
                "case_names": tuple(map(str, value["case_names"])),
            }
            return cls(**fields)
        except (KeyError, TypeError, ValueError) as error:
            raise DataError("The description of the data set is damaged; pack it again.") from error


KAGGLE_DESCRIPTION = DataDescription()


def number_cases(names: list[str]) -> tuple[np.ndarray, tuple[str, ...]]:
    """Number cases in the order of their names.

    Args:
        names: the case of each patch.

    Returns:
        int32, shape (n,): the number of each patch's case; and the name of each number. Where all
        names are whole numbers of at most nine digits, these are the numbers, and no names remain.
    """
    distinct = sorted(set(names))
    if all(_is_number(name) for name in distinct):
        return np.array([int(name) for name in names], np.int32), ()
    number = {name: k for k, name in enumerate(distinct)}
    return np.array([number[name] for name in names], np.int32), tuple(distinct)


def _is_number(name: str) -> bool:
    return name.isascii() and name.isdigit() and len(name) <= 9 and str(int(name)) == name
