"""Random fields for all tissue textures. The same generator state gives the same bytes."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

Field = npt.NDArray[np.floating]  # float32 (height, width)
Amount = float | np.floating | Field  # one for all pixels, or one for each
COARSE = 8  # px of the slide in one px of the coarse maps; sides of a slide are multiples of it


def smooth_noise(rng: np.random.Generator, shape: tuple[int, int], scale_px: float) -> Field:
    """Smooth noise of scale `scale_px`. float32 (height, width), mean 0, standard deviation 1."""
    cell = max(scale_px / 3, 1.0)
    height, width = (int(side / cell) + 4 for side in shape)
    coarse = rng.standard_normal((height, width), dtype=np.float32)
    coarse = cv2.GaussianBlur(coarse, (0, 0), 1.3)
    coarse = (coarse - coarse.mean()) / coarse.std()
    if scale_px >= 6 * COARSE:  # smooth enough for a cheap last step
        halfway = (shape[1] // COARSE + 1, shape[0] // COARSE + 1)
        return enlarged(cv2.resize(coarse, halfway, interpolation=cv2.INTER_CUBIC), shape)
    return cv2.resize(coarse, shape[::-1], interpolation=cv2.INTER_CUBIC)


def enlarged(coarse: Field, shape: tuple[int, int]) -> Field:
    return cv2.resize(coarse, shape[::-1], interpolation=cv2.INTER_LINEAR)


def shrunk(field: Field) -> Field:
    """Average a field over blocks of COARSE x COARSE pixels."""
    size = (field.shape[1] // COARSE, field.shape[0] // COARSE)
    return cv2.resize(field, size, interpolation=cv2.INTER_AREA)


def ramp(field: Field, start: Amount, end: Amount) -> Field:
    """Linear ramp: 0 up to `start`, 1 from `end` on. float32 in [0, 1]."""
    rise = np.asarray(field - start)
    rise /= end - start
    return np.clip(rise, 0, 1, out=rise)


@dataclass(frozen=True)
class Flow:
    """Fibre direction: approximate unit vectors, float32 (height, width) per component."""

    dx: Field
    dy: Field

    def within(self, window: tuple[slice, slice]) -> Flow:
        return Flow(self.dx[window], self.dy[window])

    def halved(self) -> Flow:
        """The same at half the size."""
        return Flow(*(np.ascontiguousarray(part[::2, ::2]) for part in (self.dx, self.dy)))

    def at(self, x: float, y: float) -> tuple[float, float]:
        height, width = self.dx.shape
        row, column = min(max(int(y), 0), height - 1), min(max(int(x), 0), width - 1)
        return float(self.dx[row, column]), float(self.dy[row, column])


def draw_flow(rng: np.random.Generator, shape: tuple[int, int]) -> Flow:
    """Fibres with one main direction, bent softly: an angle that wanders makes no whirls."""
    small = (shape[0] // COARSE, shape[1] // COARSE)
    angle = 0.85 * smooth_noise(rng, small, 62) + 0.3 * smooth_noise(rng, small, 16)
    angle += np.float32(rng.uniform(0, np.pi))
    return Flow(enlarged(np.cos(angle), shape), enlarged(np.sin(angle), shape))


def streak(field: Field, flow: Flow, doublings: int) -> Field:
    """Smear along the fibres over 2**doublings px, each step doubling the reach.

    A line integral convolution in log2(length) remaps instead of one for every pixel of length.
    """
    height, width = field.shape
    columns, rows = np.meshgrid(*(np.arange(n, dtype=np.float32) for n in (width, height)))
    for step in range(doublings):
        reach = (-2.0) ** step  # alternating, so that the smear stays centred
        x, y = cv2.scaleAdd(flow.dx, reach, columns), cv2.scaleAdd(flow.dy, reach, rows)
        moved = cv2.remap(field, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)
        field = cv2.addWeighted(field, 0.5, moved, 0.5, 0)
    return field


def fibres(rng: np.random.Generator, flow: Flow, width_px: float, doublings: int) -> Field:
    """Streaks along the flow. float32 (height, width), mean 0, spread 1."""
    if width_px >= 1.5:  # wide streaks look the same made at half the size, in a quarter the time
        return enlarged(fibres(rng, flow.halved(), width_px / 2, doublings - 1), flow.dx.shape)
    grain = rng.random(flow.dx.shape, dtype=np.float32) - np.float32(0.5)
    grain = streak(cv2.GaussianBlur(grain, (0, 0), width_px), flow, doublings)
    return grain / grain[::4, ::4].std()


def even_dots(
    rng: np.random.Generator, shape: tuple[int, int], spacing_px: float, radius_px: float
) -> Field:
    """Nuclei of one size at even distances, as in lobules and lymphocytes. About 0 to 1."""
    height, width = shape
    rows, columns = np.mgrid[0:height:spacing_px, 0:width:spacing_px].astype(np.float32)
    jitter = np.float32(0.42 * spacing_px)
    rows += rng.uniform(-1, 1, rows.shape).astype(np.float32) * jitter
    columns += rng.uniform(-1, 1, rows.shape).astype(np.float32) * jitter
    dots = np.zeros(shape, np.float32)
    dots[
        np.clip(np.rint(rows), 0, height - 1).astype(np.intp),
        np.clip(np.rint(columns), 0, width - 1).astype(np.intp),
    ] = 1
    return _blurred_to_unit_peak(dots, radius_px)


def uneven_dots(
    rng: np.random.Generator, shape: tuple[int, int], spacing_px: float, radius_px: float
) -> Field:
    """Nuclei that clump and differ in darkness, as in tumour. Most in 0 to 1, some above."""
    size = shape[0] * shape[1]
    count = int(size / spacing_px**2)
    places = rng.integers(0, size, count)
    darkness = rng.gamma(4.0, 0.25, count)
    dots = np.bincount(places, darkness, size).astype(np.float32).reshape(shape)
    return _blurred_to_unit_peak(dots, radius_px)


def _blurred_to_unit_peak(dots: Field, radius_px: float) -> Field:
    peak = cv2.getGaussianKernel(9, radius_px).max() ** 2
    return cv2.GaussianBlur(dots, (9, 9), radius_px) / np.float32(peak)
