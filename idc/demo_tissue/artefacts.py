"""Artefacts of preparation and scanning: folds, uneven stain, blur, noise."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from idc.demo_tissue.noise import ramp, smooth_noise
from idc.demo_tissue.section import Section
from idc.demo_tissue.stain import Stains


def add_folds(rng: np.random.Generator, section: Section, stains: Stains) -> None:
    """Add a few narrow bands in which the section is folded over itself."""
    shape = section.shape
    ridge = np.abs(smooth_noise(rng, shape, 460)) + 0.012 * np.abs(smooth_noise(rng, shape, 40))
    here = ramp(smooth_noise(rng, shape, 300), 0.9, 1.1)
    stains.scale_amounts(1 + 0.8 * ramp(-ridge, -0.045, -0.03) * here)


def fade_edges(rng: np.random.Generator, section: Section, stains: Stains) -> None:
    """Stain the edges paler or darker than the middle, and vary the thickness."""
    inside = (section.inside > 0.5).astype(np.uint8)
    reach = cv2.distanceTransform(inside, cv2.DIST_L2, 3)
    rim = np.exp(-reach / np.float32(rng.uniform(20, 60))).astype(np.float32)
    stains.scale_amounts(1 + np.float32(rng.uniform(-0.5, 0.3)) * rim)
    uneven = smooth_noise(rng, section.shape, 300) + 0.6 * smooth_noise(rng, section.shape, 110)
    stains.scale_amounts(np.maximum(1 + 0.12 * uneven, 0.5))


def defocus(rng: np.random.Generator, rgb: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Blur some areas, as if out of focus. float32 RGB, changed in place."""
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
    """Simulate the camera: slight blur or sharpening, noise, 8 bits. Returns uint8 RGB."""
    sharpness = rng.uniform(-0.3, 0.5)
    soft = cv2.GaussianBlur(rgb, (5, 5), 0.8)
    rgb = cv2.addWeighted(rgb, 1 + sharpness, soft, -sharpness, 0)
    noise = rng.random(rgb.shape[:2], dtype=np.float32)[..., None] - np.float32(0.5)
    rgb += noise * (np.float32(10) - rgb * np.float32(8 / 255))  # little noise on bare glass
    return cv2.convertScaleAbs(rgb)  # rounds and saturates at 255
