"""The report's building blocks. Every text is escaped here: names may come from a stranger."""

from collections.abc import Mapping, Sequence
from html import escape

import numpy as np

from idc.metrics.bootstrap import Interval

STYLE = """
:root { color-scheme: light dark; --text: #16211f; --page: #fff; --rule: #d5dedc; --ours: #00897b; }
@media (prefers-color-scheme: dark) {
  :root { --text: #e6eeec; --page: #101716; --rule: #33403d; }
}
body { margin: 0; background: var(--page); color: var(--text);
  font: 16px/1.5 system-ui, sans-serif; }
main { max-width: 62rem; margin: 0 auto; padding: 1.5rem; }
h2 { margin: 2.5rem 0 0.75rem; font-size: 1.3rem; }
.note { padding: 0.6rem 0.9rem; border-left: 4px solid #e69f00; background: #e69f0022; }
.wide { overflow-x: auto; }
table { width: 100%; margin-bottom: 1rem; border-collapse: collapse;
  font-variant-numeric: tabular-nums; }
th, td { padding: 0.3rem 0.8rem 0.3rem 0; border-bottom: 1px solid var(--rule); text-align: left;
  vertical-align: top; font-size: 0.92rem; }
tbody th { font-weight: 600; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: 0.15rem 1.2rem; margin: 0; }
dt { font-weight: 600; }
dd { margin: 0; overflow-wrap: anywhere; }
svg { width: 100%; max-width: 30rem; overflow: visible; }
svg text { fill: var(--text); font-size: 12px; }
.two { display: grid; grid-template-columns: repeat(auto-fit, minmax(18rem, 1fr)); gap: 1rem 2rem; }
.grid { stroke: var(--rule); fill: none; }
.guess { stroke: var(--text); stroke-dasharray: 2 4; fill: none; opacity: 0.6; }
.ours { stroke: var(--ours); stroke-width: 2.5; fill: none; }
.theirs, .at { stroke: var(--text); stroke-width: 1.5; fill: none; opacity: 0.8; }
.dot { fill: #d55e00; stroke: #fff; stroke-width: 1.5; }
.case { fill: var(--ours); fill-opacity: 0.75; }
.negative { fill: #0072b2; }
.positive { fill: #d55e00; }
.tiles { display: flex; flex-wrap: wrap; gap: 6px; }
.tiles img { width: 75px; height: 75px; }
figure { margin: 0 0 1rem; }
figure img { max-width: 48%; height: auto; margin-right: 2%; vertical-align: top; }
@media print { section { break-inside: avoid; } }
"""


def section(title: str, *parts: str) -> str:
    """A heading and what belongs under it, which is HTML already."""
    return f"<section><h2>{escape(title)}</h2>{''.join(parts)}</section>"


def definition_list(entries: Mapping[str, str]) -> str:
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


def format_score(value: float | None) -> str:
    """A score in [0, 1]; "–" where it is undefined or not told."""
    return "–" if value is None or np.isnan(value) else f"{value:.3f}"


def format_share(count: int, of: int) -> str:
    """A share in percent; "–" of nothing."""
    return f"{count / of:.1%}" if of else "–"


def format_interval(one: Interval) -> str:
    """The 95 % interval, or why there is none."""
    if one.undefined:
        return f"undefined: {one.undefined}"
    if one.no_interval:
        return f"no interval: {one.no_interval}"
    return f"{one.low:.3f} – {one.high:.3f}"
