"""Plots of the report as inline SVG: no script, no font, nothing from outside."""

import base64
from collections.abc import Sequence
from html import escape

import cv2
import numpy as np

_WIDTH, _HEIGHT = 440, 340
_LEFT, _RIGHT, _TOP, _BOTTOM = 52, 12, 12, 46
_FIFTHS = (0, 0.2, 0.4, 0.6, 0.8, 1)
DASHES = ("9 4", "3 3", "12 3 3 3")

Points = Sequence[Sequence[float]] | np.ndarray


def plot(x_title: str, y_title: str, label: str, *marks: str) -> str:
    """An SVG with both axes from 0 to 1.

    Args:
        label: what it shows, for screen readers.
        marks: what `line`, `dot` and `bar` give.
    """
    axes = []
    for tick in _FIFTHS:
        x, y = _x(tick), _y(tick)
        axes.append(f'<path class="grid" d="M{x} {_y(0)}V{_y(1)}M{_x(0)} {y}H{_x(1)}"/>')
        axes.append(f'<text x="{x}" y="{_y(0) + 18}" text-anchor="middle">{tick:g}</text>')
        axes.append(f'<text x="{_LEFT - 7}" y="{y + 4}" text-anchor="end">{tick:g}</text>')
    middle = _y(0.5)
    axes.append(
        f'<text x="{_x(0.5)}" y="{_HEIGHT - 6}" text-anchor="middle">{escape(x_title)}</text>'
        f'<text x="13" y="{middle}" text-anchor="middle" transform="rotate(-90 13 {middle})">'
        f"{escape(y_title)}</text>"
    )
    return (
        f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="{escape(label)}">'
        f"{''.join(axes)}{''.join(marks)}</svg>"
    )


def line(points: Points, kind: str, dash: str = "") -> str:
    """A line through points [[x, y], ...] in [0, 1]; "" without points."""
    if len(points) == 0:
        return ""
    places = "L".join(f"{_x(x):.1f} {_y(y):.1f}" for x, y in points)
    dashed = f' stroke-dasharray="{dash}"' if dash else ""
    return f'<path class="{kind}" d="M{places}"{dashed}/>'


def dot(x: float, y: float, tooltip: str, kind: str = "dot") -> str:
    """A point with a word for the mouse; "" where it is undefined."""
    if not (np.isfinite(x) and np.isfinite(y)):
        return ""
    return (
        f'<circle class="{kind}" cx="{_x(x):.1f}" cy="{_y(y):.1f}" r="5">'
        f"<title>{escape(tooltip)}</title></circle>"
    )


def bar(left: float, right: float, height: float, tooltip: str, kind: str) -> str:
    """A bar from the x axis upwards; all numbers in [0, 1]."""
    return (
        f'<rect class="{kind}" x="{_x(left):.1f}" y="{_y(height):.1f}" '
        f'width="{_x(right) - _x(left):.1f}" height="{_y(0) - _y(height):.1f}">'
        f"<title>{escape(tooltip)}</title></rect>"
    )


def img_tag(rgb: np.ndarray, alt: str) -> str:
    """An image inside the page.

    Args:
        rgb: uint8 RGB, shape (height, width, 3).
    """
    _, png = cv2.imencode(".png", cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR))
    data = base64.b64encode(png.tobytes()).decode("ascii")
    height, width = rgb.shape[:2]
    return (
        f'<img alt="{escape(alt)}" width="{width}" height="{height}" '
        f'src="data:image/png;base64,{data}">'
    )


def _x(value: float) -> float:
    return round(_LEFT + (_WIDTH - _LEFT - _RIGHT) * float(value), 1)


def _y(value: float) -> float:
    return round(_HEIGHT - _BOTTOM - (_HEIGHT - _TOP - _BOTTOM) * float(value), 1)
