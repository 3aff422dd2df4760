"""Curves of several runs in one plotly figure. Pure functions."""

import html
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go
from sklearn import metrics

from idc.evaluation.run_groups import CurveBand
from idc.metrics.bootstrap import Interval
from idc.ui.shared.figures import with_layout

# Okabe & Ito 2008 without the two class colours. Dashes distinguish the runs without colour.
RUN_COLOURS = ("#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#6B7F8C")
_DASHES = ("solid", "dash", "dot", "dashdot", "longdash")
_MAX_POINTS = 1_000


def roc_curves(y_true: np.ndarray, answers: Sequence[tuple[str, np.ndarray]]) -> go.Figure:
    """The ROC curve of each run.

    Args:
        y_true: {0, 1}, shape (n,), both classes present.
        answers: (title, y_prob of shape (n,)) of each run.
    """
    figure = _chance_line([0, 1], [0, 1])
    for number, (title, y_prob) in enumerate(answers):
        false_positive_rate, sensitivity, _ = metrics.roc_curve(y_true, y_prob)
        auc = metrics.roc_auc_score(y_true, y_prob)
        _add_curve(
            figure, number, f"{html.escape(title)}, AUC {auc:.3f}", false_positive_rate, sensitivity
        )
    figure.update_xaxes(title="false positive rate (1 − specificity)", range=[0, 1])
    figure.update_yaxes(title="sensitivity", range=[0, 1.02])
    return figure


def precision_recall_curves(
    y_true: np.ndarray, answers: Sequence[tuple[str, np.ndarray]]
) -> go.Figure:
    """The precision-recall curve of each run. Arguments as for `roc_curves`."""
    share = float(np.mean(y_true))
    figure = _chance_line([0, 1], [share, share])
    for number, (title, y_prob) in enumerate(answers):
        precision, sensitivity, _ = metrics.precision_recall_curve(
            y_true, y_prob, drop_intermediate=True
        )
        score = metrics.average_precision_score(y_true, y_prob)
        _add_curve(figure, number, f"{html.escape(title)}, AP {score:.3f}", sensitivity, precision)
    figure.update_xaxes(title="sensitivity (recall)", range=[0, 1])
    figure.update_yaxes(title="precision", range=[0, 1.02])
    return figure


def learning_curves_figure(bands: Sequence[tuple[str, CurveBand]], title: str) -> go.Figure:
    """The mean of each group of runs over the epochs, with a band from minimum to maximum.

    Args:
        bands: (title, curve) of each group.
        title: of the y axis.
    """
    figure = go.Figure()
    for number, (title_text, band) in enumerate(bands):
        name = html.escape(title_text)  # plotly reads a subset of HTML, links included
        line = _line(number)
        if np.any(band.low < band.high):
            figure.add_scatter(
                x=np.concatenate([band.epochs, band.epochs[::-1]]),
                y=np.concatenate([band.high, band.low[::-1]]),
                fill="toself",
                fillcolor=_translucent(line["color"]),
                line={"width": 0},
                hoverinfo="skip",
                showlegend=False,
            )
        figure.add_scatter(
            x=band.epochs,
            y=band.mean,
            mode="lines+markers",
            name=name,
            line=line,
            customdata=np.stack([band.low, band.high], axis=-1),
            hovertemplate="epoch %{x}: %{y:.3f} (%{customdata[0]:.3f} to %{customdata[1]:.3f})"
            f"<extra>{name}</extra>",
        )
    last_epoch = max((int(band.epochs[-1]) for _, band in bands if len(band.epochs)), default=1)
    figure.update_xaxes(title="epoch", dtick=max(1, round(last_epoch / 10)))
    figure.update_yaxes(title=title)
    return with_layout(figure, 400, legend_below=True)


def split_gap_figure(scores: Mapping[str, tuple[Interval, Interval]]) -> go.Figure:
    """Each score under both splits, with its confidence interval.

    Args:
        scores: name -> (split at random, split by case).
    """
    figure = go.Figure()
    names = list(scores)[::-1]  # plotly draws the first entry at the bottom
    for number, (title, colour, symbol) in enumerate(
        (("random split", "#E69F00", "circle"), ("by case, unseen", "#009E73", "diamond"))
    ):
        intervals = [scores[name][number] for name in names]
        values = np.array([interval.value for interval in intervals])
        figure.add_scatter(
            x=values,
            # Offset the two markers so that neither hides the other.
            y=np.arange(len(names)) + (0.13, -0.13)[number],
            mode="markers",
            name=title,
            marker={"color": colour, "symbol": symbol, "size": 12},
            error_x={
                "array": np.array([interval.high for interval in intervals]) - values,
                "arrayminus": values - np.array([interval.low for interval in intervals]),
                "color": colour,
                "thickness": 2,
            },
            customdata=names,
            hovertemplate="%{customdata}: %{x:.3f}<extra>" + title + "</extra>",
        )
    figure.update_xaxes(title="score", range=[None, 1.01])
    figure.update_yaxes(tickvals=list(range(len(names))), ticktext=names)
    return with_layout(figure, 400, legend_below=True)


def _chance_line(x: list[float], y: list[float]) -> go.Figure:
    figure = go.Figure()
    figure.add_scatter(
        x=x,
        y=y,
        mode="lines",
        showlegend=False,
        line={"color": "#8A9A96", "dash": "dot", "width": 1},
        hoverinfo="skip",
    )
    return with_layout(figure, 400, legend_below=True)


def _add_curve(figure: go.Figure, number: int, name: str, x: np.ndarray, y: np.ndarray) -> None:
    kept = np.unique(np.linspace(0, len(x) - 1, _MAX_POINTS).astype(int))
    figure.add_scatter(
        x=x[kept],
        y=y[kept],
        mode="lines",
        name=name,
        line=_line(number),
        hovertemplate="%{y:.3f} at %{x:.3f}<extra>" + name + "</extra>",
    )


def _line(number: int) -> dict[str, Any]:
    # Colours repeat from the sixth run on, with another dash.
    dash = _DASHES[(number + number // len(RUN_COLOURS)) % len(_DASHES)]
    return {"color": RUN_COLOURS[number % len(RUN_COLOURS)], "dash": dash, "width": 3}


def _translucent(colour: str) -> str:
    red, green, blue = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    return f"rgba({red},{green},{blue},0.18)"
