"""Curves of several runs on one plot: pure functions."""

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go
from sklearn import metrics

# Okabe & Ito 2008 without the two colours of the classes; the dashes serve eyes that see no hue.
RUN_COLOURS = ("#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#6B7F8C")
_DASHES = ("solid", "dash", "dot", "dashdot", "longdash")
_MOST_POINTS = 1_000


def roc_curves(y_true: np.ndarray, answers: Sequence[tuple[str, np.ndarray]]) -> go.Figure:
    """The ROC curve of each run.

    Args:
        y_true: {0, 1}, shape (n,), both classes present.
        answers: (title, y_prob of shape (n,)) of each run.
    """
    figure = _guessing([0, 1], [0, 1])
    for number, (title, y_prob) in enumerate(answers):
        false_positive_rate, sensitivity, _ = metrics.roc_curve(y_true, y_prob)
        auc = metrics.roc_auc_score(y_true, y_prob)
        _add_curve(figure, number, f"{title}, AUC {auc:.3f}", false_positive_rate, sensitivity)
    figure.update_xaxes(title="false positive rate (1 − specificity)", range=[0, 1])
    figure.update_yaxes(title="sensitivity", range=[0, 1.02])
    return figure


def precision_recall_curves(
    y_true: np.ndarray, answers: Sequence[tuple[str, np.ndarray]]
) -> go.Figure:
    """The precision-recall curve of each run; arguments as of `roc_curves`."""
    share = float(np.mean(y_true))
    figure = _guessing([0, 1], [share, share])
    for number, (title, y_prob) in enumerate(answers):
        precision, sensitivity, _ = metrics.precision_recall_curve(
            y_true, y_prob, drop_intermediate=True
        )
        score = metrics.average_precision_score(y_true, y_prob)
        _add_curve(figure, number, f"{title}, AP {score:.3f}", sensitivity, precision)
    figure.update_xaxes(title="sensitivity (recall)", range=[0, 1])
    figure.update_yaxes(title="precision", range=[0, 1.02])
    return figure


def _guessing(x: list[float], y: list[float]) -> go.Figure:
    figure = go.Figure()
    figure.add_scatter(
        x=x,
        y=y,
        mode="lines",
        showlegend=False,
        line={"color": "#8A9A96", "dash": "dot", "width": 1},
        hoverinfo="skip",
    )
    figure.update_layout(
        height=400,
        margin={"l": 10, "r": 10, "t": 10, "b": 10},
        legend={"orientation": "h", "y": -0.2, "yanchor": "top", "x": 0},
    )
    return figure


def _add_curve(figure: go.Figure, number: int, name: str, x: np.ndarray, y: np.ndarray) -> None:
    kept = np.unique(np.linspace(0, len(x) - 1, _MOST_POINTS).astype(int))
    figure.add_scatter(
        x=x[kept],
        y=y[kept],
        mode="lines",
        name=name,
        line={
            "color": RUN_COLOURS[number % len(RUN_COLOURS)],
            "dash": _DASHES[number % len(_DASHES)],
            "width": 3,
        },
        hovertemplate="%{y:.3f} at %{x:.3f}<extra>" + name + "</extra>",
    )
