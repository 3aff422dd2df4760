"""Scores, shares and intervals as the report's text."""

import numpy as np

from idc.metrics.bootstrap import Interval


def format_score(value: float | None) -> str:
    """A score in [0, 1]; "–" where it is undefined or unpublished."""
    return "–" if value is None or np.isnan(value) else f"{value:.3f}"


def format_share(count: int, of: int) -> str:
    """A share in percent; "–" of nothing."""
    return f"{count / of:.1%}" if of else "–"


def format_interval(interval: Interval) -> str:
    """The 95 % interval, or why there is none."""
    if interval.undefined:
        return f"undefined: {interval.undefined}"
    if interval.no_interval:
        return f"no interval: {interval.no_interval}"
    return f"{interval.low:.3f} – {interval.high:.3f}"
