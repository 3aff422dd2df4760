"""Untrusted text in files that a spreadsheet may open."""

_FORMULA_STARTS = "=+-@\t\r\n＝＋－＠"  # what makes a spreadsheet run a cell


def spreadsheet_safe(text: str) -> str:
    """Text that a spreadsheet does not execute: an apostrophe is put before a formula."""
    formula = text[:1] in _FORMULA_STARTS or text.lstrip()[:1] in _FORMULA_STARTS
    return f"'{text}" if text and formula else text
