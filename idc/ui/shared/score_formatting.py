"""Format differences of scores with their confidence intervals."""

import math

from idc.metrics.bootstrap import Difference


def signed(value: float) -> str:
    """A difference of scores: "+0.012", "−0.012"; "–" where it is undefined."""
    return "–" if math.isnan(value) else f"{value:+.3f}".replace("-", "−")


def difference_words(difference: Difference) -> str:
    """ "+0.012 (−0.003 to +0.027)", bold if the interval excludes 0."""
    if math.isnan(difference.value):
        return "–"
    if math.isnan(difference.low):
        return f"{signed(difference.value)} (no interval: {difference.no_interval})"
    text = f"{signed(difference.value)} ({signed(difference.low)} to {signed(difference.high)})"
    return f"**{text}**" if difference.excludes_zero else text
