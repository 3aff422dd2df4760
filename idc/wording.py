"""Quantities as text, for pages and the shell."""

from collections.abc import Sequence

_LISTED_NUMBERS = 5


def number_list(numbers: Sequence[int]) -> str:
    """The first five numbers as text: "3", "3 and 4", "1, 2, 3, 4, 5 and 12 more"."""
    shown = [f"{number:,}" for number in numbers[:_LISTED_NUMBERS]]
    if len(numbers) > _LISTED_NUMBERS:
        shown.append(f"{len(numbers) - _LISTED_NUMBERS:,} more")
    return " and ".join(part for part in (", ".join(shown[:-1]), shown[-1]) if part)


def duration(seconds: float) -> str:
    """A duration as text: "8 s", "3 min 20 s", "2 h 5 min"."""
    whole = round(max(seconds, 0))
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"
