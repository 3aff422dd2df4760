"""Small hand-made patches for tests: no tissue, just colours."""

import zipfile
from pathlib import Path

import cv2
import numpy as np

from idc.patches import PatchName
from idc.store import PackReport, PatchStore, open_store
from idc.store_writer import Patch, StoreWriter


def png(colour: tuple[int, int, int], height: int = 50, width: int = 50) -> bytes:
    """A PNG file of one RGB colour."""
    bgr = np.full((height, width, 3), colour[::-1], np.uint8)
    return cv2.imencode(".png", bgr)[1].tobytes()


def write_patches_zip(
    path: Path, *names: str, colour: tuple[int, int, int] = (200, 100, 150)
) -> Path:
    """A zip whose members have these paths, each a whole patch of one colour."""
    with zipfile.ZipFile(path, "w") as archive:
        for name in names:
            archive.writestr(name, png(colour))
    return path


def tiny_store(name: str, *, cases: int = 3, per_case: int = 12, first_case: int = 1) -> PatchStore:
    """A packed store: case numbers from `first_case` on, classes alternating, positives darker.

    Noise makes each patch its own, so that a network has something to learn.
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
