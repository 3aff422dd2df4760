"""The learning curves of a run while it trains, redrawn every second without flicker.

ECharts canvases without animation, at most 400 points per line (`idc.ui.train.curve_thinning`).
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import streamlit as st

from idc.runs.log import RunLog
from idc.runs.snapshot import RunSnapshot
from idc.ui.shared.figures import TRAINING_COLOUR, VALIDATION_COLOUR
from idc.ui.shared.formatting import format_score
from idc.ui.train.curve_thinning import smoothed, thinned

_MAX_POINTS = 400
_HEIGHT_PX = 128


@dataclass(frozen=True)
class Curve:
    """A score drawn over the epochs.

    Attributes:
        name: key of the training score in the log; ``val_<name>`` is the validation score.
    """

    name: str
    title: str
    meaning: str
    y_max: float | None = 1.0


CURVES = (
    Curve("loss", "Loss", "Cross-entropy; lower is better.", y_max=None),
    Curve("accuracy", "Accuracy", "Share of correct predictions."),
    Curve(
        "balanced_accuracy",
        "Balanced accuracy",
        "Mean of sensitivity and specificity; 0.5 equals guessing.",
    ),
    Curve(
        "roc_auc",
        "ROC AUC",
        "Chance that a positive patch gets a higher probability than a negative one.",
    ),
)


def live_charts(snapshot: RunSnapshot) -> None:
    """The four curves of the run, each below its latest validation score."""
    latest = snapshot.log.epochs[-1] if snapshot.log.epochs else {}
    for pair in (CURVES[:2], CURVES[2:]):
        for column, curve in zip(st.columns(2, gap="small"), pair, strict=True):
            with column, st.container(gap=None):
                score = format_score(latest.get(f"val_{curve.name}"))
                st.markdown(
                    f":small[{curve.title}] **{score}**", help=f"{curve.meaning} Validation part."
                )
                st.echarts_chart(
                    curve_options(
                        snapshot.log, curve, steps=snapshot.steps, epochs=snapshot.status.epochs
                    ),
                    height=_HEIGHT_PX,
                    key=f"chart_{curve.name}",
                    renderer="canvas",
                    alt=f"{curve.title} of the training batches, raw and smoothed, and of the "
                    "validation part over the epochs",
                )
    st.caption("Over the epochs. Grey: training batches, raw and smoothed. Green: validation part.")


def curve_options(log: RunLog, curve: Curve, *, steps: int, epochs: int) -> dict[str, Any]:
    """The ECharts options of one chart.

    Args:
        steps: steps per epoch.
        epochs: planned number of epochs.
    """
    at, raw = _batch_scores(log, curve.name, steps)
    validated = [(entry["epoch"], entry.get(f"val_{curve.name}")) for entry in log.epochs]
    points = [(epoch, value) for epoch, value in validated if _is_number(value)]
    x, y = (np.array(values) for values in zip(*points, strict=True)) if points else ([], [])
    validation = _line("validation", x, y, VALIDATION_COLOUR, width=2.5, symbol=True)
    best = log.best_epoch()
    if best:
        validation["markLine"] = {
            "symbol": "none",
            "silent": True,
            "animation": False,
            "lineStyle": {"color": VALIDATION_COLOUR, "type": "dashed"},
            "label": {
                "formatter": "best",
                "color": VALIDATION_COLOUR,
                "distance": 2,
                "fontSize": 11,
            },
            "data": [{"xAxis": best["epoch"]}],
        }
    return {
        "animation": False,
        "grid": {"left": 30, "right": 14, "top": 16, "bottom": 20},
        "tooltip": {"trigger": "axis", "valueFormatter": "%.3f", "confine": True},
        "xAxis": {
            "type": "value",
            "min": 0,
            "max": max(1, min(epochs, _axis_epochs(at, log))),
            "minInterval": 1,
            "axisLabel": {"fontSize": 11, "hideOverlap": True},
        },
        "yAxis": {
            "type": "value",
            "min": 0,
            "max": curve.y_max,
            "splitNumber": 2,
            "axisLabel": {"fontSize": 11},
        },
        "series": [
            _line("each batch", at, raw, TRAINING_COLOUR, width=1, opacity=0.35),
            _line("training", at, smoothed(raw), TRAINING_COLOUR, width=2.5),
            validation,
        ],
    }


def _batch_scores(log: RunLog, name: str, steps: int) -> tuple[np.ndarray, np.ndarray]:
    """Position of each batch in epochs, and its score. Values that are not numbers are dropped.

    A diverged training logs nan, and older runs logged fewer scores.
    """
    logged = [entry for entry in log.steps if _is_number(entry.get(name))]
    at = np.array([entry["epoch"] - 1 + entry["step"] / max(steps, 1) for entry in logged])
    return at, np.array([entry[name] for entry in logged])


def _is_number(value: float | None) -> bool:
    return value is not None and bool(np.isfinite(value))


def _axis_epochs(at: np.ndarray, log: RunLog) -> int:
    """Upper end of the x axis. It grows in steps, so that the chart is not rescaled constantly."""
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
    kept = thinned(y, _MAX_POINTS)
    return {
        "name": name,
        "type": "line",
        "showSymbol": symbol,
        "symbolSize": 6,
        "color": colour,
        "lineStyle": {"width": width, "opacity": opacity},
        "data": [[round(float(x[i]), 4), round(float(y[i]), 4)] for i in kept],
    }
