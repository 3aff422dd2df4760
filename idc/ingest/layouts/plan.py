"""A plan: what was recognised in files, before anything is packed."""

import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from idc.errors import DataError


@dataclass(frozen=True)
class PackOptions:
    """What the user states about the files; everything else is recognised.

    Attributes:
        labels: a CSV of file, label and optionally case, x, y.
        positive: names of the positive class; all other classes are the negative one.
        class_names: names for the negative and the positive class; empty: those of the files.
        pattern: a regular expression with the named groups case, x, y, label, searched in each
            file's path.
        side_px: side of the stored patches; None: that of the files.
        mpp_um: micrometres per pixel of the files; None: what the files state.
        skip_copies: leave out files whose names mark likely copies.
        with_cases: whether patches of one patient can be told apart.

    Raises:
        DataError: the pattern is not a regular expression with such groups.
    """

    labels: Path | None = None
    positive: tuple[str, ...] = ()
    class_names: tuple[str, ...] = ()
    pattern: str = ""
    side_px: int | None = None
    mpp_um: float | None = None
    skip_copies: bool = False
    with_cases: bool = True

    def __post_init__(self) -> None:
        if self.pattern:
            compile_pattern(self.pattern)
        if self.class_names and len(self.class_names) != 2:
            raise DataError(
                "There are two classes: give the negative and the positive name, for example "
                f"--classes benign,malignant. Received: {len(self.class_names)} names"
            )

    def to_json(self) -> dict[str, Any]:
        """Plain values for `from_json`, with an absolute path of the table."""
        labels = None if self.labels is None else str(self.labels.expanduser().absolute())
        return {**asdict(self), "labels": labels}

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> "PackOptions":
        """Parse the form of `to_json`.

        Raises:
            ValueError: an option is unknown.
            DataError: as of the class.
        """
        if unknown := values.keys() - {option.name for option in fields(cls)}:
            raise ValueError(f"unknown options {sorted(unknown)}")
        chosen: dict[str, Any] = {
            name: tuple(v) if isinstance(v, list) else v for name, v in values.items()
        }
        if chosen.get("labels") is not None:
            chosen["labels"] = Path(chosen["labels"])
        return cls(**chosen)


_PATTERN_GROUPS = {"case", "x", "y", "label"}


def compile_pattern(pattern: str) -> re.Pattern[str]:
    """Compile the pattern of `PackOptions`.

    Raises:
        DataError: it is not a regular expression, or has none of the groups, or others.
    """
    try:
        compiled = re.compile(pattern)
    except re.error as error:
        raise DataError(f"The pattern is not a regular expression: {error}.") from error
    groups = set(compiled.groupindex)
    if not groups or not groups <= _PATTERN_GROUPS:
        raise DataError(
            "The pattern needs named groups among case, x, y and label, for example "
            rf"(?P<case>[^_]+)_x(?P<x>\d+)_y(?P<y>\d+). Received: {', '.join(sorted(groups))}"
        )
    return compiled


class Pictures(Protocol):
    """The pictures of a plan, by number. Thread-safe."""

    def read(self, number: int) -> np.ndarray:
        """One picture: uint8 RGB, shape (height, width, 3).

        Raises:
            UnreadableMember, UploadError: it is damaged, too large, or not a picture.
        """


@dataclass(frozen=True)
class PackPlan:
    """The recognised patches, n in number.

    Attributes:
        layout: what was recognised, as the end of the sentence "Recognised: ...".
        paths: of each patch, for reports.
        pictures: the pixels.
        classes: the class of each patch.
        cases: the case of each patch; empty if unknown.
        places: int32, shape (n, 2): x, y in px of the files; None if unknown.
        parts: int8, shape (n,): positions in `idc.datasets.splits.PARTS`; None without parts.
        copies: bool, shape (n,): the name marks a likely copy.
        foreign: number of files that are not patches.
        notes: a sentence for each thing that the user should know.
        class_order: the known (negative, positive) class; empty if the files do not tell.
    """

    layout: str
    paths: Sequence[str]
    pictures: Pictures
    classes: Sequence[str]
    cases: Sequence[str] = ()
    places: np.ndarray | None = None
    parts: np.ndarray | None = None
    copies: np.ndarray = field(default_factory=lambda: np.zeros(0, bool))
    foreign: int = 0
    notes: tuple[str, ...] = ()
    class_order: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.paths)


def select(plan: PackPlan, kept: np.ndarray) -> PackPlan:
    """The plan of some of its patches.

    Args:
        kept: bool, shape (n,).
    """
    rows: list[int] = np.flatnonzero(kept).tolist()

    class Selected:
        def read(self, number: int) -> np.ndarray:
            return plan.pictures.read(rows[number])

    return PackPlan(
        plan.layout,
        [plan.paths[row] for row in rows],
        Selected(),
        [plan.classes[row] for row in rows],
        [plan.cases[row] for row in rows] if plan.cases else (),
        None if plan.places is None else plan.places[rows],
        None if plan.parts is None else plan.parts[rows],
        plan.copies[rows] if len(plan.copies) else plan.copies,
        plan.foreign,
        plan.notes,
        plan.class_order,
    )
