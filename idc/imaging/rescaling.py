"""Rescale an image from any micrometres per pixel to the 4 that the model was trained on.

At another scale nuclei have a size that the model has never seen, and its prediction is
meaningless. Images are shrunk by area, so that each pixel is the mean of the area it covers and
detail does not alias into false texture, and enlarged bilinearly, which adds no detail.
"""

import cv2
import numpy as np

from idc.errors import UploadError
from idc.patches import MPP_UM, PATCH_SIZE_PX

# Magnification of a scanner's objective -> micrometres per px.
OBJECTIVE_MPP_UM = {"40x": 0.25, "20x": 0.5, "10x": 1.0, "2.5x": 4.0}

MIN_MPP_UM = 0.05  # below the resolution of light
MAX_MPP_UM = 16.0  # four times the model's; a nucleus is less than a pixel
MAX_SCALED_PX = 32 * 10**6  # some 12,800 patches
_MIN_SIDE_PX = 10  # after rescaling: a fifth of a patch's side


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


def scaled_size(width: int, height: int, mpp_um: float) -> tuple[int, int]:
    """(width, height) in px at 4 um per pixel.

    Raises:
        UploadError: the scale is implausible, or the result is too small or too large.
    """
    factor = check_mpp(mpp_um) / MPP_UM
    scaled = max(1, round(width * factor)), max(1, round(height * factor))
    if min(scaled) < _MIN_SIDE_PX:
        raise UploadError(
            f"At {mpp_um:g} um per pixel the image is {width * mpp_um:,.0f} x "
            f"{height * mpp_um:,.0f} um, far less than a patch (200 x 200 um); check the scale."
        )
    if scaled[0] * scaled[1] > MAX_SCALED_PX:
        raise UploadError(
            f"At {mpp_um:g} um per pixel the image has {scaled[0]:,} x {scaled[1]:,} px at the "
            "model's scale, more than can be predicted at once; check the scale, or crop it."
        )
    return scaled


def to_model_scale(rgb: np.ndarray, mpp_um: float) -> np.ndarray:
    """Rescale an image to 4 um per pixel.

    Args:
        rgb: uint8 RGB, shape (height, width, 3).
        mpp_um: its micrometres per pixel.

    Returns:
        uint8 RGB, shape (scaled height, scaled width, 3); the same array if nothing changes.

    Raises:
        UploadError: as `scaled_size`.
    """
    height, width = rgb.shape[:2]
    return resize_to(rgb, scaled_size(width, height, mpp_um))


def resize_to(rgb: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Resize an image to (width, height): by area if it shrinks, else bilinearly."""
    height, width = rgb.shape[:2]
    if (width, height) == size:
        return rgb
    shrinks = size[0] <= width and size[1] <= height
    interpolation = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    return cv2.resize(rgb, size, interpolation=interpolation)


def scale_note(mpp_um: float) -> str:
    """What the rescaling does to the image, and its limits."""
    if mpp_um == MPP_UM:
        return "It already has the model's scale, 4 µm per pixel."
    times = MPP_UM / mpp_um
    if times > 1:
        return f"Shrunk {times:.3g}:1 to the model's 4 µm per pixel, by area."
    return (
        f"Enlarged 1:{1 / times:.3g} to the model's 4 µm per pixel. That adds no detail: the "
        "image is blurrier than the training patches, so predictions are less reliable."
    )


def fits_one_patch(width: int, height: int, mpp_um: float | None) -> bool:
    """Whether an image of this size is likely one patch rather than a region.

    With a known scale: it covers about 200 x 200 um. Without one: it is small.
    """
    if mpp_um is None:
        return max(width, height) <= 4 * PATCH_SIZE_PX
    sides_um = width * mpp_um, height * mpp_um
    patch_um = PATCH_SIZE_PX * MPP_UM
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
