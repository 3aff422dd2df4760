"""The scores with their intervals: the important ones large, all of them in a table."""

from collections.abc import Mapping
from typing import Any

from idc.metrics.bootstrap import Interval
from idc.metrics.scores import SCORES, baseline
from idc.ui.components.own_component import own_component

HEADLINE = ("balanced_accuracy", "sensitivity", "specificity", "roc_auc")

_view = own_component(__file__, "board", "words")


def score_table(
    board: str, threshold: float, intervals: Mapping[str, Interval], negatives: float, *, key: str
) -> None:
    """Show the scores.

    Args:
        board: `idc.ui.evaluate.browser_predictions.board_name`.
        threshold: that of the intervals.
        intervals: `idc.metrics.bootstrap.Bootstrap.intervals`.
        negatives: share of IDC-negative patches, [0, 1].
    """
    _view(key=key, data=table_words(board, threshold, intervals, negatives))


def table_words(
    board: str, threshold: float, intervals: Mapping[str, Interval], negatives: float
) -> dict[str, Any]:
    """Everything the table says; arguments as of `score_table`."""
    rows = []
    for name, (title, meaning) in SCORES.items():
        aside = baseline(negatives) if name == "accuracy" else ""
        words = {"name": name, "title": title, "meaning": meaning, "aside": aside}
        rows.append({**words, "headline": name in HEADLINE, **intervals[name].to_json()})
    return {"board": board, "threshold": threshold, "scores": rows}
