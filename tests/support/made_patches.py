"""Small generated patches for tests: plain colours."""

import zipfile
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from idc.datasets.store import PackReport, PatchStore, open_store
from idc.datasets.store_writer import Patch, StoreWriter
from idc.patches import PatchName
from idc.settings.training_config import TrainingConfig, preset_config

SMALL_ARCHITECTURE = "1x2-w4-k3-max-d10-average"  # of preset "yours"; compiles fast


def png(colour: tuple[int, int, int], height: int = 50, width: int = 50) -> bytes:
    """A PNG file of one RGB colour."""
    bgr = np.full((height, width, 3), colour[::-1], np.uint8)
    return cv2.imencode(".png", bgr)[1].tobytes()


def write_patches_zip(
    path: Path, *names: str, colour: tuple[int, int, int] = (200, 100, 150)
) -> Path:
    """A zip with these member paths, each a patch of one colour."""
    with zipfile.ZipFile(path, "w") as archive:
        for name in names:
            archive.writestr(name, png(colour))
    return path


def tiny_store(name: str, *, cases: int = 3, per_case: int = 12, first_case: int = 1) -> PatchStore:
    """A packed store: cases from `first_case`, alternating classes, positives darker.

    Noise makes each patch unique, so that a network can learn.
    """
    rng = np.random.default_rng(0)
    with StoreWriter(name, cases * per_case) as writer:
        for case in range(first_case, first_case + cases):
            writer.add(
                [
                    Patch(
                        PatchName(case=case, y=1, x=1 + 50 * number, label=number % 2),
                        rng.integers(60, 140 if number % 2 else 240, (50, 50, 3)).astype(np.uint8),
                    )
                    for number in range(per_case)
                ]
            )
        writer.finish(PackReport(sources=("made by hand",)))
    return open_store(name)


def store_of(
    name: str,
    patches: list[PatchName],
    *,
    pixels: np.ndarray | None = None,
    sizes: list[tuple[int, int]] | None = None,
) -> PatchStore:
    """A packed store of exactly these patches, in the order of their names.

    Args:
        pixels: uint8 RGB, shape (n, 50, 50, 3); by default each patch has another grey level.
        sizes: original (height, width) of each; 50x50 by default.
    """
    assert patches == sorted(patches)
    if pixels is None:
        pixels = np.stack(
            [np.full((50, 50, 3), 10 + n % 200, np.uint8) for n in range(len(patches))]
        )
    sizes = sizes or [(50, 50)] * len(patches)
    with StoreWriter(name, len(patches)) as writer:
        writer.add(
            [
                Patch(patch, rgb, *size)
                for patch, rgb, size in zip(patches, pixels, sizes, strict=True)
            ]
        )
        writer.finish(PackReport(sources=("made by hand",)))
    return open_store(name)


def small_config(**settings: Any) -> TrainingConfig:
    """A training on the store "tiny" whose real network compiles faster than any preset's."""
    small = {"architecture": SMALL_ARCHITECTURE, "protocol": "random", "batch_size": 8}
    return preset_config("yours", "tiny", **{**small, "epochs": 2, **settings})
