"""Plots of the report: what an SVG shows, in [0, 1] on both axes, and the scale that draws it."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

DASHES = ("9 4", "3 3", "12 3 3 3")

Points = Sequence[Sequence[float]] | np.ndarray


@dataclass(frozen=True)
class Line:
    """A line through points [[x, y], ...] in [0, 1]; nothing is drawn without points."""

    points: Points
    kind: str
    dash: str = ""


@dataclass(frozen=True)
class Dot:
    """A point with a tooltip; nothing is drawn where a coordinate is nan."""

    x: float
    y: float
    tooltip: str
    kind: str = "dot"

    @property
    def is_defined(self) -> bool:
        """Whether both coordinates are numbers."""
        return math.isfinite(self.x) and math.isfinite(self.y)


@dataclass(frozen=True)
class Bar:
    """A bar from the x axis upwards; all numbers in [0, 1]."""

    left: float
    right: float
    height: float
    tooltip: str
    kind: str


@dataclass(frozen=True)
class Plot:
    """Marks over two axes from 0 to 1.

    Attributes:
        label: what it shows, for screen readers.
    """

    x_title: str
    y_title: str
    label: str
    lines: Sequence[Line] = ()
    bars: Sequence[Bar] = ()
    dots: Sequence[Dot] = ()


@dataclass(frozen=True)
class SvgScale:
    """Sizes of an SVG, in its own units, and where a value in [0, 1] lies."""

    width: int = 440
    height: int = 340
    left: int = 52
    right: int = 12
    top: int = 12
    bottom: int = 46
    ticks: tuple[float, ...] = (0, 0.2, 0.4, 0.6, 0.8, 1)

    def x(self, value: float) -> float:
        """The horizontal position of a value, from the left."""
        return round(self.left + (self.width - self.left - self.right) * float(value), 1)

    def y(self, value: float) -> float:
        """The vertical position of a value, from the top."""
        span = self.height - self.bottom - self.top
        return round(self.height - self.bottom - span * float(value), 1)
