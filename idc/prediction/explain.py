"""Explain a prediction for one patch: Grad-CAM, occlusion, and eight turned and mirrored views.

Plain NumPy around requests to the prediction worker; no training library is imported.
"""

from dataclasses import dataclass

import numpy as np

from idc.prediction.predictor import grad_cam, predict_patches
from idc.runs.run import Run

_SQUARES_PER_SIDE = 13
_OCCLUDER_SHARE = 0.24  # of the patch's side: 12 of 50 px, 48 um, a few cells
_BATCH_SIZE = 64
_PLACE_NAMES = (
    ("upper left", "top", "upper right"),
    ("left", "middle", "right"),
    ("lower left", "bottom", "lower right"),
)
_VIEWS = (
    "as it is",
    "turned by 90°",
    "turned by 180°",
    "turned by 270°",
    "mirrored",
    "mirrored, turned by 90°",
    "mirrored, turned by 180°",
    "mirrored, turned by 270°",
)


@dataclass(frozen=True)
class EightViews:
    """Predictions for a patch turned and mirrored. Tissue has no preferred orientation.

    Attributes:
        patches: uint8 RGB, shape (8, side, side, 3), the first one as it is.
        y_prob: float32 [0, 1], shape (8,), calibrated.
        threshold: a patch is called positive at or above this probability.
    """

    patches: np.ndarray
    y_prob: np.ndarray
    threshold: float

    @property
    def names(self) -> tuple[str, ...]:
        """How each view was transformed."""
        return _VIEWS

    @property
    def mean(self) -> float:
        """Of the eight probabilities."""
        return float(self.y_prob.mean())

    @property
    def spread(self) -> float:
        """Their standard deviation: 0 when turning changes nothing."""
        return float(self.y_prob.std())

    @property
    def dissenting(self) -> int:
        """Number of views that are called another class than the original patch."""
        called = self.y_prob.astype(np.float64) >= self.threshold
        return int((called != called[0]).sum())

    def sentence(self) -> str:
        """A sentence on how stable the prediction is."""
        low, high = self.y_prob.min(), self.y_prob.max()
        span = f"the probability lies between {low:.2f} and {high:.2f}"
        if f"{low:.2f}" == f"{high:.2f}":
            span = f"the probability stays at {low:.2f}"
        if self.dissenting:
            return (
                f"The answer changes when the patch is turned: {self.dissenting} of 8 views are "
                f"called the other class, {span}. Do not rely on it."
            )
        if self.spread >= 0.1:
            return (
                "All 8 views are called the same class, but turning moves the answer a lot: "
                f"{span}. Take it with doubt."
            )
        return f"The answer stands when the patch is turned or mirrored: {span}."


@dataclass(frozen=True)
class Explanation:
    """The explanation of one prediction.

    Attributes:
        y_prob: [0, 1], calibrated, of the original patch.
        grad_cam_map: float32, shape (height, width) of the network's last feature map: each
            position's share of the log-odds of IDC-positive; above 0 is evidence for IDC.
        occlusion: float32 [-1, 1], shape (50, 50): decrease of the probability when a square
            around the position is hidden; above 0 is evidence for IDC.
        views: the patch turned and mirrored.
    """

    y_prob: float
    grad_cam_map: np.ndarray
    occlusion: np.ndarray
    views: EightViews


def explain(run: Run, rgb: np.ndarray) -> Explanation:
    """Explain a run's prediction for a patch.

    Args:
        rgb: uint8 RGB, shape (side, side, 3).

    Raises:
        PredictionError: as `idc.prediction.predictor.predict_patches`.
    """
    hidden, corners = occlude_squares(rgb)
    turned = eight_views(rgb)
    patches = np.concatenate([turned, hidden])
    # In batches, so that other visitors' requests are served in between.
    starts = range(0, len(patches), _BATCH_SIZE)
    predictions = [predict_patches(run, patches[start : start + _BATCH_SIZE]) for start in starts]
    probabilities = np.concatenate(predictions)
    y_views, y_hidden = probabilities[: len(turned)], probabilities[len(turned) :]
    y_prob = float(y_views[0])
    return Explanation(
        y_prob,
        grad_cam(run, rgb[None])[0],
        occlusion_map(y_prob - y_hidden, corners, len(rgb)),
        EightViews(turned, y_views, run.calibration().threshold),
    )


def eight_views(rgb: np.ndarray) -> np.ndarray:
    """A patch turned four ways, and its mirror image turned four ways.

    Args:
        rgb: uint8 RGB, shape (side, side, 3).

    Returns:
        uint8 RGB, shape (8, side, side, 3), the first one as it is.
    """
    both = (rgb, rgb[:, ::-1])
    return np.stack([np.rot90(image, turns) for image in both for turns in range(4)])


def occlude_squares(rgb: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Copies of a patch, each with another square filled with the patch's mean colour.

    The mean colour keeps the stain; a grey or white square would itself influence the prediction.

    Args:
        rgb: uint8 RGB, shape (side, side, 3).

    Returns:
        uint8 RGB, shape (n, side, side, 3); and int64, shape (n, 2), the left upper corner
        (x, y) of each square, which may lie outside of the patch so that its rim is hidden
        equally often.
    """
    side = len(rgb)
    mean = rgb.reshape(-1, 3).mean(axis=0).round().astype(np.uint8)
    starts = _square_starts(side)
    corners = np.array([(x, y) for y in starts for x in starts])
    hidden = np.repeat(rgb[None], len(corners), axis=0)
    for image, (x, y) in zip(hidden, corners.tolist(), strict=True):
        image[_patch_slice(y, side), _patch_slice(x, side)] = mean
    return hidden, corners


def occlusion_map(effect: np.ndarray, corners: np.ndarray, side_px: int) -> np.ndarray:
    """The mean effect of all squares that cover a pixel.

    Args:
        effect: float [-1, 1], shape (n,), of hiding each square.
        corners: int64, shape (n, 2), from `occlude_squares`.
        side_px: side of the patch.

    Returns:
        float32 [-1, 1], shape (side, side).
    """
    total = np.zeros((side_px, side_px))
    count = np.zeros((side_px, side_px))
    for value, (x, y) in zip(effect.tolist(), corners.tolist(), strict=True):
        covered = _patch_slice(y, side_px), _patch_slice(x, side_px)
        total[covered] += value
        count[covered] += 1
    return (total / count).astype(np.float32)


def strongest_place(shares: np.ndarray) -> str:
    """The position of a map's maximum as text: "the upper left", "the top", "the middle" ...

    Args:
        shares: float, shape (height, width).
    """
    y, x = np.unravel_index(np.argmax(shares), shares.shape)
    down = int(3 * (y + 0.5) / shares.shape[0])
    across = int(3 * (x + 0.5) / shares.shape[1])
    return "the " + _PLACE_NAMES[down][across]


def occluder_px(side_px: int) -> int:
    """Side of the square that hides a part of a patch."""
    return round(_OCCLUDER_SHARE * side_px)


def _square_starts(side_px: int) -> list[int]:
    """Where the squares begin along a side, symmetric about the patch, some outside of it."""
    square = occluder_px(side_px)
    outside = round(0.1 * side_px)
    starts = np.linspace(-outside, side_px - square + outside, _SQUARES_PER_SIDE)
    return starts.round().astype(int).tolist()


def _patch_slice(start: int, side_px: int) -> slice:
    """The part of a square's side that lies on the patch."""
    return slice(max(start, 0), min(start + occluder_px(side_px), side_px))
