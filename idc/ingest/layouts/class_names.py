"""Which of two classes is the positive one."""

from collections.abc import Sequence

import numpy as np

from idc.errors import DataError

# Names as they occur in public data sets; compared without case, spaces, "-" and "_".
_KNOWN_PAIRS = (
    ("0", "1"),
    ("class0", "class1"),
    ("negative", "positive"),
    ("neg", "pos"),
    ("benign", "malignant"),
    ("normal", "tumor"),
    ("normal", "tumour"),
    ("normal", "cancer"),
    ("normal", "abnormal"),
    ("normal", "malignant"),
    ("nontumor", "tumor"),
    ("nontumour", "tumour"),
    ("healthy", "tumor"),
    ("healthy", "cancer"),
    ("healthy", "disease"),
    ("nonidc", "idc"),
    ("idcnegative", "idcpositive"),
    ("no", "yes"),
    ("false", "true"),
)
_MAX_NAMED = 12


class PositiveClassUnknown(DataError):
    """The files do not tell which class is positive; the user must choose."""


def plain(name: str) -> str:
    """A class name without case, spaces, "-" and "_"."""
    return "".join(c for c in name.lower() if c not in " -_")


def known_order(names: Sequence[str]) -> tuple[str, ...]:
    """(negative, positive) of two names that are a known pair, else ()."""
    by_plain = {plain(name): name for name in names}
    for negative, positive in _KNOWN_PAIRS:
        if len(names) == 2 and set(by_plain) == {negative, positive}:
            return by_plain[negative], by_plain[positive]
    return ()


def is_known_class(name: str) -> bool:
    """Whether a name belongs to a known pair."""
    return any(plain(name) in pair for pair in _KNOWN_PAIRS)


def binary_labels(
    classes: Sequence[str], order: Sequence[str], positive: Sequence[str]
) -> tuple[np.ndarray, tuple[str, str]]:
    """The label of each patch, and the names of the two classes.

    Args:
        classes: the class of each patch.
        order: (negative, positive) if the files tell it, else ().
        positive: the user's choice; overrides ``order``.

    Returns:
        int8 {0, 1}, shape (n,), and the names.

    Raises:
        DataError: there is one class only, or it is unknown which class is positive.
    """
    names = sorted(set(classes))
    listed = ", ".join(map(repr, names[:_MAX_NAMED])) + (" ..." if len(names) > _MAX_NAMED else "")
    if len(names) < 2:
        raise DataError(
            f"All patches are of one class, {listed}; a data set needs two. Give the folder above "
            "two class folders, both folders, or a table with --labels."
        )
    if unknown := [name for name in positive if name not in names]:
        raise DataError(f"There is no class {unknown[0]!r}; the classes are {listed}.")
    if not positive and not order:
        raise PositiveClassUnknown(
            f"Which class is positive? The classes are {listed}; name one with --positive, or "
            "several separated by commas. All others become the negative class."
        )
    chosen = set(positive or order[1:])
    if len(chosen) == len(names):
        raise DataError("All classes are named positive; leave at least one for the negative.")
    rest = [name for name in names if name not in chosen]
    labels = np.array([name in chosen for name in classes], np.int8)
    return labels, (_joined(rest), _joined(sorted(chosen)))


def _joined(names: Sequence[str]) -> str:
    """One name for several classes."""
    if len(names) == 1:
        return f"class {names[0]}" if names[0].isdigit() else names[0]
    text = " or ".join(names)
    return text if len(text) <= 60 else f"{names[0]} or {len(names) - 1} others"[:60]
