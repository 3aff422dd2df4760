"""Rescale an image from any micrometres per pixel to those of the model's training patches.

At another scale nuclei have a size that the model has never seen, and its prediction is
meaningless. Images are shrunk by area, so that each pixel is the mean of the area it covers and
detail does not alias into false texture, and enlarged bilinearly, which adds no detail.
"""

from dataclasses import dataclass

import cv2
import numpy as np

from idc.errors import UploadError
from idc.patches import MPP_UM, PATCH_SIZE_PX

# Magnification of a scanner's objective -> micrometres per px.
OBJECTIVE_MPP_UM = {"40x": 0.25, "20x": 0.5, "10x": 1.0, "2.5x": 4.0}

MIN_MPP_UM = 0.05  # below the resolution of light
MAX_MPP_UM = 16.0  # a nucleus is less than a pixel
MAX_SCALED_PX = 32 * 10**6  # some 12,800 patches of 50 px
_MIN_SIDE_SHARE = 0.2  # of a patch's side, after rescaling


@dataclass(frozen=True)
class ModelScale:
    """Side and scale of the patches that a model takes; the defaults are the Kaggle set's.

    Attributes:
        side_px: 28 to 512.
        mpp_um: micrometres per pixel; None if unknown: images are then taken pixel by pixel.
    """

    side_px: int = PATCH_SIZE_PX
    mpp_um: float | None = MPP_UM

    def stride(self, *, overlaps: bool) -> int:
        """px from tile to tile: the side, or half of it where tiles overlap."""
        return self.side_px // 2 if overlaps else self.side_px

    def downsample(self, mpp_um: float | None) -> float:
        """px of an image with these micrometres per pixel in one px of the model.

        Raises:
            UploadError: the image's scale is unknown, but not the model's.
        """
        if self.mpp_um is None:
            return 1.0
        if mpp_um is None:
            raise UploadError("The scale of the image is unknown; state its um per pixel.")
        return self.mpp_um / mpp_um

    def patch_size(self) -> str:
        """ "200 × 200 µm", or in px where the scale is unknown."""
        if self.mpp_um is None:
            return f"{self.side_px} × {self.side_px} px"
        side_um = self.side_px * self.mpp_um
        return f"{side_um:.4g} × {side_um:.4g} µm"


_KAGGLE_SCALE = ModelScale()


def check_mpp(mpp_um: float) -> float:
    """The same number, if it is a plausible scale of a tissue image.

    Raises:
        UploadError: it lies outside the limits.
    """
    if not MIN_MPP_UM <= mpp_um <= MAX_MPP_UM:
        raise UploadError(
            f"The scale must lie between {MIN_MPP_UM:g} and {MAX_MPP_UM:g} um per pixel "
            f"(40x is 0.25, 2.5x is 4). Received: {mpp_um:g}"
        )
    return mpp_um


def scaled_size(
    width: int, height: int, mpp_um: float | None, model: ModelScale = _KAGGLE_SCALE
) -> tuple[int, int]:
    """(width, height) in px at the model's scale.

    Args:
        mpp_um: the image's micrometres per pixel; ignored where the model's are unknown.

    Raises:
        UploadError: the scale is implausible, or the result is too small or too large.
    """
    if mpp_um is not None:
        check_mpp(mpp_um)
    factor = 1 / model.downsample(mpp_um)
    scaled = max(1, round(width * factor)), max(1, round(height * factor))
    if min(scaled) < _MIN_SIDE_SHARE * model.side_px:
        raise UploadError(_too_small(width, height, mpp_um, model))
    if scaled[0] * scaled[1] > MAX_SCALED_PX:
        raise UploadError(
            f"The image has {scaled[0]:,} x {scaled[1]:,} px at the model's scale, more than can "
            "be predicted at once; check the scale, or crop it."
        )
    return scaled


def _too_small(width: int, height: int, mpp_um: float | None, model: ModelScale) -> str:
    if mpp_um is None or model.mpp_um is None:
        return (
            f"The image has {width} x {height} px, far less than a patch "
            f"({model.side_px} x {model.side_px} px); choose a larger one."
        )
    return (
        f"At {mpp_um:g} um per pixel the image is {width * mpp_um:,.0f} x {height * mpp_um:,.0f} "
        f"um, far less than a patch ({model.patch_size().replace('×', 'x').replace('µ', 'u')}); "
        "check the scale."
    )


def to_model_scale(
    rgb: np.ndarray, mpp_um: float | None, model: ModelScale = _KAGGLE_SCALE
) -> np.ndarray:
    """Rescale an image to a model's micrometres per pixel.

    Args:
        rgb: uint8 RGB, shape (height, width, 3).
        mpp_um: its micrometres per pixel; ignored where the model's are unknown.

    Returns:
        uint8 RGB, shape (scaled height, scaled width, 3); the same array if nothing changes.

    Raises:
        UploadError: as `scaled_size`.
    """
    height, width = rgb.shape[:2]
    return resize_to(rgb, scaled_size(width, height, mpp_um, model))


def resize_to(rgb: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Resize an image to (width, height): by area if it shrinks, else bilinearly."""
    height, width = rgb.shape[:2]
    if (width, height) == size:
        return rgb
    shrinks = size[0] <= width and size[1] <= height
    interpolation = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    return cv2.resize(rgb, size, interpolation=interpolation)


def scale_note(mpp_um: float | None, model: ModelScale = _KAGGLE_SCALE) -> str:
    """What the rescaling to a model's scale does to the image, and its limits."""
    if mpp_um is None or model.mpp_um is None:
        return "Cut into patches as it is, because the model's scale is unknown."
    if mpp_um == model.mpp_um:
        return f"It already has the model's scale, {model.mpp_um:g} µm per pixel."
    times = model.downsample(mpp_um)
    if times > 1:
        return f"Shrunk {times:.3g}:1 to the model's {model.mpp_um:g} µm per pixel, by area."
    return (
        f"Enlarged 1:{1 / times:.3g} to the model's {model.mpp_um:g} µm per pixel. That adds no "
        "detail: the image is blurrier than the training patches, so predictions are less reliable."
    )


def is_enlarged(mpp_um: float | None, model: ModelScale) -> bool:
    """Whether the rescaling to a model's scale enlarges the image."""
    return model.downsample(mpp_um) < 1


def fits_one_patch(
    width: int, height: int, mpp_um: float | None, model: ModelScale = _KAGGLE_SCALE
) -> bool:
    """Whether an image of this size is likely one patch rather than a region.

    With a known scale: it covers about as much as a patch. Without one: it is small.
    """
    if mpp_um is None or model.mpp_um is None:
        return max(width, height) <= 4 * model.side_px
    sides_um = width * mpp_um, height * mpp_um
    patch_um = model.side_px * model.mpp_um
    return all(0.8 * patch_um <= side <= 1.25 * patch_um for side in sides_um)


def unknown_scale(name: str, note: str = "") -> str:
    """The shell's message where a file gives no scale: ``note`` says why, else it states none."""
    problem = f"has no usable scale. {note} Give" if note else "does not state its scale; give"
    return f"'{name}' {problem} it with --mpp (40x is 0.25, 20x 0.5, 2.5x 4)."


def to_patch_size(rgb: np.ndarray, side_px: int = PATCH_SIZE_PX) -> np.ndarray:
    """Resize an image to a patch.

    Args:
        rgb: uint8 RGB, shape (height, width, 3).

    Returns:
        uint8 RGB, shape (side, side, 3): bilinear, as in the notebook; by area when it shrinks to
        half or less, where bilinear would skip pixels.
    """
    if rgb.shape[:2] == (side_px, side_px):
        return rgb
    shrinks = min(rgb.shape[:2]) >= 2 * side_px
    interpolation = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    return cv2.resize(rgb, (side_px, side_px), interpolation=interpolation)


def resize_notes(
    rgb: np.ndarray, side_px: int = PATCH_SIZE_PX, mpp_um: float | None = MPP_UM
) -> tuple[str, ...]:
    """A sentence on the resizing by `to_patch_size`; empty for a patch.

    Args:
        rgb: uint8 RGB, shape (height, width, 3).
        mpp_um: micrometres per pixel of the model's patches; None if unknown.
    """
    height, width = rgb.shape[:2]
    if (height, width) == (side_px, side_px):
        return ()
    resized = f"Resized from {width} x {height} to {side_px} x {side_px} px."
    if mpp_um is None:
        return (resized,)
    side_um = round(side_px * mpp_um)
    return (
        f"{resized} The model was trained on patches of {side_um} x {side_um} um; at another "
        "scale its answer is unreliable.",
    )
