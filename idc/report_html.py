"""The report's building blocks. Every text is escaped here: names may come from a stranger."""

from collections.abc import Mapping, Sequence
from html import escape

import numpy as np

from idc.metrics.bootstrap import Interval


def section(title: str, *parts: str) -> str:
    """A heading and what belongs under it, which is HTML already."""
    return f"<section><h2>{escape(title)}</h2>{''.join(parts)}</section>"


def facts(entries: Mapping[str, str]) -> str:
    """Names with their values."""
    rows = "".join(
        f"<dt>{escape(name)}</dt><dd>{escape(value)}</dd>" for name, value in entries.items()
    )
    return f"<dl>{rows}</dl>"


def bullets(sentences: Sequence[str]) -> str:
    """A list of sentences."""
    return f"<ul>{''.join(f'<li>{escape(sentence)}</li>' for sentence in sentences)}</ul>"


def table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table of plain texts; the first of each row is its heading."""
    head = "".join(f'<th scope="col">{escape(words)}</th>' for words in heads)
    body = "".join(
        f'<tr><th scope="row">{escape(first)}</th>'
        + "".join(f"<td>{escape(words)}</td>" for words in others)
        + "</tr>"
        for first, *others in rows
    )
    rows_of_both = f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody>"
    return f'<div class="wide"><table>{rows_of_both}</table></div>'


def number(value: float | None) -> str:
    """A score in [0, 1]; "–" where it is undefined or not told."""
    return "–" if value is None or np.isnan(value) else f"{value:.3f}"


def share(count: int, of: int) -> str:
    """A share in percent; "–" of nothing."""
    return f"{count / of:.1%}" if of else "–"


def interval(one: Interval) -> str:
    """The 95 % interval, or why there is none."""
    if one.undefined:
        return f"undefined: {one.undefined}"
    if one.no_interval:
        return f"no interval: {one.no_interval}"
    return f"{one.low:.3f} – {one.high:.3f}"
