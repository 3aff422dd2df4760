"""Plotly figures of results. Pure functions; Streamlit applies the theme's colours."""

import html
from collections.abc import Mapping

import pandas as pd
import plotly.graph_objects as go

from idc.datasets.description import KAGGLE_DESCRIPTION, DataDescription
from idc.patches import CLASS_COLOURS, CLASS_NAMES, NEGATIVE_COLOUR, POSITIVE_COLOUR, target_name

TRAINING_COLOUR, VALIDATION_COLOUR = "#6B7F8C", "#00897B"


def class_counts_figure(
    negative: int, positive: int, class_names: tuple[str, str] = CLASS_NAMES
) -> go.Figure:
    """One bar per class, labelled with its number of patches."""
    counts = (negative, positive)
    total = max(sum(counts), 1)
    figure = go.Figure(
        go.Bar(
            x=[html.escape(name) for name in class_names],
            y=list(counts),
            marker_color=list(CLASS_COLOURS),
            text=[f"{count:,} ({count / total:.1%})" for count in counts],
            textposition="outside",
            cliponaxis=False,
            hovertemplate="%{x}: %{y:,} patches<extra></extra>",
        )
    )
    figure.update_yaxes(title="patches", rangemode="tozero")
    return with_layout(figure, 340)


def case_counts_figure(
    index: pd.DataFrame, description: DataDescription = KAGGLE_DESCRIPTION
) -> go.Figure:
    """One stacked bar per case, largest case first.

    Args:
        index: columns ``case`` and ``label`` (0/1), one row a patch.
        description: names the cases and classes.
    """
    table = index.groupby(["case", "label"]).size().unstack(fill_value=0)
    table = table.reindex(columns=[0, 1], fill_value=0)
    names = [html.escape(name) for name in description.class_names]
    order = table.sum(axis=1).sort_values(ascending=False, kind="stable").index
    figure = go.Figure()
    for label, (name, colour) in enumerate(zip(names, CLASS_COLOURS, strict=True)):
        figure.add_bar(
            x=[html.escape(description.case_name(case)) for case in order],
            y=table.loc[order, label].tolist(),
            name=name,
            marker_color=colour,
            marker_line_width=0,
            hovertemplate="case %{x}: %{y:,} " + name + "<extra></extra>",
        )
    figure.update_layout(barmode="stack", bargap=0.1)
    figure.update_xaxes(title="case, largest first", type="category", nticks=20)
    figure.update_yaxes(title="patches")
    return with_layout(figure, 340)


def case_shares_figure(
    cases: pd.DataFrame, description: DataDescription = KAGGLE_DESCRIPTION
) -> go.Figure:
    """One bar per case: its positive share, lowest first, and a line at the overall share.

    Args:
        cases: columns ``case``, ``patches``, ``positive``, ``share``, one row a case.
    """
    table = cases.sort_values("share", kind="stable")
    positive = html.escape(description.class_names[1])
    overall = table["positive"].sum() / max(table["patches"].sum(), 1)
    figure = go.Figure(
        go.Bar(
            x=[html.escape(description.case_name(case)) for case in table["case"]],
            y=table["share"].tolist(),
            name=f"{positive} share",
            marker_color=POSITIVE_COLOUR,
            marker_line_width=0,
            customdata=table["patches"].tolist(),
            hovertemplate="case %{x}: %{y:.1%} of %{customdata:,} patches<extra></extra>",
        )
    )
    figure.add_hline(
        y=overall,
        line={"dash": "dot", "width": 2, "color": NEGATIVE_COLOUR},
        annotation={"text": f"all patches: {overall:.1%}", "xanchor": "left", "x": 0},
    )
    figure.update_layout(bargap=0.1, showlegend=False)
    figure.update_xaxes(title="case, lowest share first", type="category", nticks=20)
    figure.update_yaxes(title=positive, range=[0, 1.02], tickformat=".0%")
    return with_layout(figure, 340)


def reliability_figure(
    tables: Mapping[str, pd.DataFrame], class_names: tuple[str, str] = CLASS_NAMES
) -> go.Figure:
    """Reliability diagram: share of positive patches per bin of predicted probability.

    Args:
        tables: name -> result of `idc.metrics.calibration.reliability_table`.
        class_names: of the negative and the positive class.
    """
    positive = html.escape(class_names[1])
    figure = go.Figure()
    figure.add_scatter(
        x=[0, 1],
        y=[0, 1],
        mode="lines",
        name="perfect calibration",
        line={"color": "#8A9A96", "dash": "dot", "width": 1},
        hoverinfo="skip",
    )
    for (name, table), colour in zip(
        tables.items(), (TRAINING_COLOUR, VALIDATION_COLOUR), strict=False
    ):
        figure.add_scatter(
            x=table["y_prob"],
            y=table["positive_share"],
            customdata=table["patches"],
            mode="lines+markers",
            name=name,
            line={"color": colour, "width": 2},
            hovertemplate="probability %{x:.2f}: %{y:.1%} of %{customdata:,} patches are "
            f"{positive}<extra>{name}</extra>",
        )
    target = html.escape(target_name(class_names))
    figure.update_xaxes(title=f"probability of {target}", range=[0, 1])
    figure.update_yaxes(title=f"share that is {positive}", range=[0, 1.02], tickformat=".0%")
    return with_layout(figure, 320)


def epoch_figure(epochs: pd.DataFrame, train: str, validation: str, title: str) -> go.Figure:
    """Training and validation curve over the epochs, with the kept epoch marked.

    Args:
        epochs: one row per epoch; columns ``epoch``, ``best`` and the two named ones.
    """
    figure = go.Figure()
    for column, name, colour in (
        (train, "training", TRAINING_COLOUR),
        (validation, "validation", VALIDATION_COLOUR),
    ):
        figure.add_scatter(
            x=epochs["epoch"],
            y=epochs[column],
            name=name,
            mode="lines+markers",
            line={"color": colour, "width": 2},
            hovertemplate="epoch %{x}: %{y:.3f}<extra>" + name + "</extra>",
        )
    kept = epochs[epochs["best"]].tail(1)
    figure.add_scatter(
        x=kept["epoch"],
        y=kept[validation],
        mode="markers",
        name="kept weights",
        marker={"size": 14, "symbol": "star", "color": "#E69F00"},
        hovertemplate="epoch %{x}, kept: %{y:.3f}<extra></extra>",
    )
    figure.update_xaxes(title="epoch", dtick=max(1, round(len(epochs) / 10)))
    figure.update_yaxes(title=title)
    return with_layout(figure, 320)


def with_layout(figure: go.Figure, height: int, *, legend_below: bool = False) -> go.Figure:
    """The same figure with small margins and a horizontal legend above or below the plot.

    Args:
        height: px.
    """
    y, anchor, top = (-0.2, "top", 10) if legend_below else (1.02, "bottom", 36)
    figure.update_layout(
        height=height,
        margin={"l": 10, "r": 10, "t": top, "b": 10},
        legend={"orientation": "h", "y": y, "yanchor": anchor, "x": 0},
    )
    return figure
