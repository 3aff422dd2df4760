"""A patch's name: case, place on the slide and label, as the data set writes them.

``8863_idx5_x451_y1451_class0.png`` is the patch of case 8863 whose upper left pixel lies at
(x, y) = (451, 1451) on the slide reduced to 4 um a pixel; class 0 is IDC-negative, 1 is
IDC-positive. x runs right, y runs down, both are 1 modulo 50.
"""

import re
from dataclasses import dataclass

PATCH_SIZE_PX = 50
PATCH_SHAPE = (PATCH_SIZE_PX, PATCH_SIZE_PX, 3)
MPP_UM = 4.0  # micrometre per pixel: scanned at 0.25, reduced 16:1

CLASS_NAMES = ("IDC-negative", "IDC-positive")  # position = label

# Nine digits keep every number inside an int32 with room to add.
_NAME = re.compile(r"(\d{1,9})_idx\d{1,3}_x(\d{1,9})_y(\d{1,9})_class([01])\.png", re.IGNORECASE)


@dataclass(frozen=True, order=True)
class PatchName:
    """Where a patch comes from. Ordered as a slide is read: by case, then row, then column."""

    case: int
    y: int
    x: int
    label: int

    def file_name(self) -> str:
        """The name in the data set's own form."""
        return f"{self.case}_idx5_x{self.x}_y{self.y}_class{self.label}.png"


def parse_patch_name(file_name: str) -> PatchName | None:
    """Read a file name (no folders). None when it is not a patch's name."""
    numbers = parse_patch_numbers(file_name)
    return None if numbers is None else PatchName(*numbers)


def parse_patch_numbers(file_name: str) -> tuple[int, int, int, int] | None:
    """Read a file name into (case, y, x, label), for half a million names at once."""
    match = _NAME.fullmatch(file_name)
    if match is None:
        return None
    case, x, y, label = match.groups()
    return int(case), int(y), int(x), int(label)
