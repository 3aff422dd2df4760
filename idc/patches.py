"""A patch's name: case, place on the slide and label, as the data set writes them.

``8863_idx5_x451_y1451_class0.png`` is the patch of case 8863 whose upper left pixel lies at
(x, y) = (451, 1451) on the slide reduced to 4 um a pixel; class 0 is IDC-negative, 1 is
IDC-positive. x runs right, y runs down, both are 1 modulo 50.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

PATCH_SIZE_PX = 50
PATCH_SHAPE = (PATCH_SIZE_PX, PATCH_SIZE_PX, 3)
MPP_UM = 4.0  # micrometre per pixel: scanned at 0.25, reduced 16:1

CLASS_NAMES = ("IDC-negative", "IDC-positive")  # position = label
NEGATIVE_COLOUR, POSITIVE_COLOUR = (
    "#0072B2",
    "#D55E00",
)  # safe for colour-blind eyes (Okabe & Ito 2008)
CLASS_COLOURS = (NEGATIVE_COLOUR, POSITIVE_COLOUR)

# Nine digits keep every number inside an int32 with room to add.
_MAX_DIGITS = 9
_NAME_PATTERN = re.compile(
    r"(\d{1,9})_idx\d{1,3}_x(\d{1,9})_y(\d{1,9})_class([01])\.png", re.IGNORECASE | re.ASCII
)
# No name is longer, so from its end so many bytes back lie its folder's or another's.
_MAX_NAME_LENGTH = len("_idx999_x_y_class0.png") + 3 * _MAX_DIGITS


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
    match = _NAME_PATTERN.fullmatch(file_name)
    if match is None:
        return None
    case, x, y, label = map(int, match.groups())
    return PatchName(case, y, x, label)


def parse_patch_names(paths: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
    """Read the file names of many paths ('/' between folders) at once, as `parse_patch_name` does.

    Returns:
        int32 (paths, 4): case, y, x, label; without meaning where it is no patch.
        bool (paths,): whether it is a patch.
    """
    # All in one row of bytes, each behind a '/', read from the ends back. What is not ASCII
    # becomes one '?' a character and matches nothing.
    joined = "/" * (_MAX_NAME_LENGTH + 1) + "/".join(paths)
    text = np.frombuffer(joined.encode("ascii", "replace").lower(), np.uint8)
    lengths = np.fromiter(map(len, paths), np.int64, len(paths))
    row = _BackwardReader(text, _MAX_NAME_LENGTH + np.cumsum(lengths + 1))
    row.literal(b".png")
    label = row.digits(1)
    row.literal(b"_class")
    y = row.digits(_MAX_DIGITS)
    row.literal(b"_y")
    x = row.digits(_MAX_DIGITS)
    row.literal(b"_x")
    row.digits(3)
    row.literal(b"_idx")
    case = row.digits(_MAX_DIGITS)
    row.literal(b"/")
    return np.stack([case, y, x, label], axis=1), row.valid & (label <= 1)


class _BackwardReader:
    """Reads all names in step, each from its end.

    Attributes:
        good: bool, shape (names,): whether all that was read was there.
    """

    def __init__(self, text: np.ndarray, ends: np.ndarray) -> None:
        """text: uint8, all names' bytes. ends: int64 (names,), behind the last byte of each."""
        self._text, self._positions = text, ends
        self.valid = np.ones(len(ends), bool)

    def literal(self, word: bytes) -> None:
        for byte in reversed(word):
            self._positions = self._positions - 1
            self.valid &= self._text[self._positions] == byte

    def digits(self, max_digits: int) -> np.ndarray:
        """The number of 1 to ``most`` digits, int32 (names,)."""
        number, length = np.zeros((2, len(self._positions)), np.int32)
        more = np.ones(len(self._positions), bool)
        for exponent in range(max_digits):
            digit = self._text[self._positions - 1 - exponent] - np.uint8(
                ord("0")
            )  # any other is above 9
            more = more & (digit <= 9)
            number += more * digit * np.int32(10**exponent)
            length += more
        self.valid &= length > 0
        self._positions = self._positions - length
        return number
