"""Untrusted text in files that a spreadsheet may open."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

_FORMULA_STARTS = "=+-@\t\r\n＝＋－＠"  # what makes a spreadsheet run a cell


def spreadsheet_safe(text: str) -> str:
    """Text that a spreadsheet does not execute: an apostrophe is put before a formula."""
    formula = text[:1] in _FORMULA_STARTS or text.lstrip()[:1] in _FORMULA_STARTS
    return f"'{text}" if text and formula else text


def csv_text(
    table: "pd.DataFrame", *, float_format: str | None = None, line_end: str = "\n"
) -> str:
    """A table as CSV with a header, without its index; every text is `spreadsheet_safe`."""
    safe = table.map(lambda value: spreadsheet_safe(value) if isinstance(value, str) else value)
    safe.columns = [spreadsheet_safe(str(name)) for name in table.columns]
    return safe.to_csv(index=False, float_format=float_format, lineterminator=line_end)
