"""What goes wrong between the patient and the screen: folds, pale edges, blur, grain."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from idc.demo_tissue.noise import ramp, smooth_noise
from idc.demo_tissue.section import Section
from idc.demo_tissue.stain import Stains


def add_folds(rng: np.random.Generator, section: Section, stains: Stains) -> None:
    """A few narrow bands in which the section lies double."""
    shape = section.shape
    ridge = np.abs(smooth_noise(rng, shape, 460)) + 0.012 * np.abs(smooth_noise(rng, shape, 40))
    here = ramp(smooth_noise(rng, shape, 300), 0.9, 1.1)
    stains.scale_amounts(1 + 0.8 * ramp(-ridge, -0.045, -0.03) * here)


def fade_edges(rng: np.random.Generator, section: Section, stains: Stains) -> None:
    """Edges stained paler, or darker, than the middle, and uneven thickness all over."""
    inside = (section.inside > 0.5).astype(np.uint8)
    reach = cv2.distanceTransform(inside, cv2.DIST_L2, 3)
    rim = np.exp(-reach / np.float32(rng.uniform(20, 60))).astype(np.float32)
    stains.scale_amounts(1 + np.float32(rng.uniform(-0.5, 0.3)) * rim)
    uneven = smooth_noise(rng, section.shape, 300) + 0.6 * smooth_noise(rng, section.shape, 110)
    stains.scale_amounts(np.maximum(1 + 0.12 * uneven, 0.5))


def defocus(rng: np.random.Generator, rgb: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Blur some places, as where the section does not lie flat. float32 RGB, changed in place."""
    where = ramp(smooth_noise(rng, rgb.shape[:2], 260), rng.uniform(1.2, 1.8), 2.3)
    left, top, width, height = cv2.boundingRect((where > 0).astype(np.uint8))
    if width and height:
        place = (slice(top, top + height), slice(left, left + width))
        change = cv2.GaussianBlur(rgb[place], (0, 0), rng.uniform(1.2, 2.0)) - rgb[place]
        rgb[place] += change * where[place][..., None]
    return rgb


def add_camera_noise(
    rng: np.random.Generator, rgb: npt.NDArray[np.float32]
) -> npt.NDArray[np.uint8]:
    """The camera: slight blur or sharpening, noise, and eight bits. uint8 RGB."""
    sharpness = rng.uniform(-0.3, 0.5)
    soft = cv2.GaussianBlur(rgb, (5, 5), 0.8)
    rgb = cv2.addWeighted(rgb, 1 + sharpness, soft, -sharpness, 0)
    noise = rng.random(rgb.shape[:2], dtype=np.float32)[..., None] - np.float32(0.5)
    rgb += noise * (np.float32(10) - rgb * np.float32(8 / 255))  # bare glass is nearly smooth
    return cv2.convertScaleAbs(rgb)  # rounded, and at most 255
