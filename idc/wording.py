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


def format_bytes(count: float) -> str:
    """Bytes in decimal units: "1 byte", "812 kB", "24.1 MB", "200 MB", "3.3 GB", "1.5 TB"."""
    units = (("TB", 1e12, 1), ("GB", 1e9, 1), ("MB", 1e6, 1), ("kB", 1e3, 0))
    for unit, factor, digits in units:
        # 999,600 bytes are 1.0 MB, not 1,000 kB: what rounds up to a unit is shown in it.
        if count >= factor * (1 - 0.0005):
            if count >= 99.95 * factor:  # three digits are enough: 200 MB, not 200.0 MB
                digits = 0
            return f"{count / factor:,.{digits}f} {unit}"
    return "1 byte" if round(count) == 1 else f"{count:.0f} bytes"
