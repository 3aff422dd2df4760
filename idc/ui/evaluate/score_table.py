"""The scores with their intervals: headline scores in large type, all scores in a table."""

from collections.abc import Mapping
from typing import Any

from idc.metrics.bootstrap import Interval
from idc.metrics.scores import SCORE_DESCRIPTIONS, baseline_note
from idc.ui.components.own_component import own_component

HEADLINE = ("balanced_accuracy", "sensitivity", "specificity", "roc_auc")

_view = own_component(__file__)


def score_table(
    predictions_id: str,
    threshold: float,
    intervals: Mapping[str, Interval],
    negative_share: float,
    *,
    key: str,
) -> None:
    """Show the scores.

    Args:
        predictions_id: `idc.ui.evaluate.browser_predictions.predictions_id`.
        threshold: the threshold of the intervals, [0, 1].
        intervals: `idc.metrics.bootstrap.Bootstrap.intervals`.
        negative_share: share of IDC-negative patches, [0, 1].
    """
    _view(key=key, data=table_data(predictions_id, threshold, intervals, negative_share))


def table_data(
    predictions_id: str, threshold: float, intervals: Mapping[str, Interval], negative_share: float
) -> dict[str, Any]:
    """The contents of the table; arguments as in `score_table`."""
    rows = []
    for name, (title, meaning) in SCORE_DESCRIPTIONS.items():
        aside = baseline_note(negative_share) if name == "accuracy" else ""
        texts = {"name": name, "title": title, "meaning": meaning, "aside": aside}
        rows.append({**texts, "headline": name in HEADLINE, **intervals[name].to_json()})
    return {"predictions_id": predictions_id, "threshold": threshold, "scores": rows}
