"""The curves of a run while it trains: redrawn every second without a flicker.

An ECharts canvas with animation off, and at most 400 points a line (see `idc.curves`).
"""

from typing import Any

import numpy as np
import streamlit as st

from idc.curves import smoothed, thinned
from idc.figures import TRAINING, VALIDATION
from idc.runlog import RunLog

_MOST_POINTS = 400
_VALIDATION_BY_CURVE = {
    "loss": (("val_loss", "validation", VALIDATION),),
    "accuracy": (
        ("val_accuracy", "validation", VALIDATION),
        ("val_balanced_accuracy", "balanced", "#E69F00"),
        ("val_roc_auc", "ROC AUC", "#56B4E9"),
    ),
}


def live_chart(log: RunLog, curve: str, *, steps: int, epochs: int, key: str) -> None:
    """Draw a curve of the run so far.

    Args:
        curve: "loss" or "accuracy".
        steps: steps an epoch. ``epochs``: how many the run is to reach.
    """
    st.echarts_chart(
        curve_options(log, curve, steps=steps, epochs=epochs),
        height=300,
        key=key,
        renderer="canvas",
        alt=f"{curve} of the training batches and of the validation part over the epochs",
    )


def curve_options(log: RunLog, curve: str, *, steps: int, epochs: int) -> dict[str, Any]:
    """The ECharts options of one chart."""
    # A training that diverged logs values that are not numbers; a chart cannot draw them.
    logged = [entry for entry in log.steps if np.isfinite(entry[curve])]
    at = np.array([entry["epoch"] - 1 + entry["step"] / max(steps, 1) for entry in logged])
    raw = np.array([entry[curve] for entry in logged])
    even = smoothed(raw)
    series = [
        _line("each batch", at, raw, TRAINING, width=1, opacity=0.35),
        _line("training", at, even, TRAINING, width=2.5),
    ]
    for column, name, colour in _VALIDATION_BY_CURVE[curve]:
        points = [
            (entry["epoch"], entry[column]) for entry in log.epochs if entry[column] is not None
        ]
        x, y = (np.array(values) for values in zip(*points, strict=True)) if points else ([], [])
        series.append(_line(name, x, y, colour, width=2.5, symbol=True))
    best = log.best_epoch()
    if best:
        series[2]["markLine"] = {
            "symbol": "none",
            "silent": True,
            "animation": False,
            "lineStyle": {"color": VALIDATION, "type": "dashed"},
            "label": {"formatter": "best", "color": VALIDATION},
            "data": [{"xAxis": best["epoch"]}],
        }
    return {
        "animation": False,
        "grid": {"left": 48, "right": 16, "top": 40, "bottom": 40},
        "legend": {"top": 0, "left": 0, "itemGap": 8, "data": [s["name"] for s in series[1:]]},
        "tooltip": {"trigger": "axis", "valueFormatter": "%.3f"},
        "xAxis": {
            "type": "value",
            "name": "epoch",
            "nameLocation": "middle",
            "nameGap": 24,
            "min": 0,
            "max": max(1, min(epochs, _shown_epochs(at, log))),
            "minInterval": 1,
        },
        "yAxis": {
            "type": "value",
            "scale": curve == "accuracy",
            "min": 0 if curve == "loss" else None,
            "max": 1 if curve == "accuracy" else None,
        },
        "series": series,
    }


def _shown_epochs(at: np.ndarray, log: RunLog) -> int:
    """The axis grows in steps, so that the curve fills the chart and yet does not creep."""
    reached = max(float(at.max()) if len(at) else 0.0, len(log.epochs))
    return next((n for n in (1, 2, 3, 5, 10, 20, 40, 80, 160) if n >= reached), round(reached + 40))


def _line(
    name: str,
    x: Any,
    y: Any,
    colour: str,
    *,
    width: float,
    opacity: float = 1.0,
    symbol: bool = False,
) -> dict[str, Any]:
    kept = thinned(y, _MOST_POINTS)
    return {
        "name": name,
        "type": "line",
        "showSymbol": symbol,
        "symbolSize": 7,
        "color": colour,
        "lineStyle": {"width": width, "opacity": opacity},
        "data": [[round(float(x[i]), 4), round(float(y[i]), 4)] for i in kept],
    }
