"""A patch's shape and name: case, position on the slide and label, in the data set's form.

``8863_idx5_x451_y1451_class0.png`` is the patch of case 8863 whose upper left pixel lies at
(x, y) = (451, 1451) on the slide at 4 um per pixel; class 0 is IDC-negative, 1 is
IDC-positive. x increases to the right, y downwards; both are 1 modulo 50.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np

PATCH_SIZE_PX = 50
PATCH_SHAPE = (PATCH_SIZE_PX, PATCH_SIZE_PX, 3)
PATCH_BYTES = PATCH_SIZE_PX * PATCH_SIZE_PX * 3  # uint8 RGB
MAX_PATCH_SIDE_PX = 400  # an image with a longer side is a region, not one patch
MPP_UM = 4.0  # micrometre per pixel: scanned at 0.25, reduced 16:1

CLASS_NAMES = ("IDC-negative", "IDC-positive")  # position = label


def target_name(class_names: tuple[str, str]) -> str:
    """What a probability is of: "IDC" for the Kaggle set's classes, else the positive class."""
    return "IDC" if class_names == CLASS_NAMES else class_names[1]


# Distinguishable with colour blindness (Okabe & Ito 2008).
NEGATIVE_COLOUR, POSITIVE_COLOUR = "#0072B2", "#D55E00"
CLASS_COLOURS = (NEGATIVE_COLOUR, POSITIVE_COLOUR)

# Nine digits keep every number inside an int32 with room for sums.
_NAME_PATTERN = re.compile(
    r"(\d{1,9})_idx\d{1,3}_x(\d{1,9})_y(\d{1,9})_class([01])\.png", re.IGNORECASE | re.ASCII
)


@dataclass(frozen=True, order=True)
class PatchName:
    """The fields of a patch's name. Sorts in reading order: by case, then row, then column."""

    case: int
    y: int
    x: int
    label: int

    def file_name(self) -> str:
        """The file name in the data set's form."""
        return f"{self.case}_idx5_x{self.x}_y{self.y}_class{self.label}.png"


def parse_patch_name(file_name: str) -> PatchName | None:
    """Parse a file name without folders. Returns None when it is not a patch's name."""
    match = _NAME_PATTERN.fullmatch(file_name)
    if match is None:
        return None
    case, x, y, label = map(int, match.groups())
    return PatchName(case, y, x, label)


def parse_patch_names(paths: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
    """Parse the file names of many paths ('/' between folders), as `parse_patch_name` does.

    Returns:
        int32 (paths, 4): case, y, x, label; 0 in rows that are not a patch.
        bool (paths,): whether the path is a patch.
    """
    matches = [_NAME_PATTERN.fullmatch(path, path.rfind("/") + 1) for path in paths]
    is_patch = np.array([match is not None for match in matches], bool)
    fields = chain.from_iterable(match.group(1, 3, 2, 4) for match in matches if match)
    numbers = np.zeros((len(paths), 4), np.int32)
    numbers[is_patch] = np.fromiter(map(int, fields), np.int32).reshape(-1, 4)
    return numbers, is_patch
