"""Slides in TIFFs: levels in SubIFDs against full resolution alone, and strips.

    python bench/tiff_slides.py [--side 16000] [--mpp 0.25] [--rounds 3]

Writes a made slide three times: as an OME-TIFF with SubIFDs, as the same without them, and in
strips. Then reads the overview and all boxes of 250 px at the model's 4 um per pixel, as a
prediction does, without the model. The files are read in turn, in one run. Prints seconds, and the
peak memory of the process that decodes (Linux).
"""

import argparse
import math
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import tifffile

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from idc.large_images.whole_slide import WholeSlide
from idc.patches import MPP_UM

TILE_PX, BOX_PX = 256, 250
SMALLER_LEVELS = (4, 16)


def pixels(side: int) -> np.ndarray:
    """Noise on pink, so that no codec finds an easy image: uint8 RGB, shape (side, side, 3)."""
    noise = np.random.default_rng(0).integers(0, 60, (2_048, 2_048, 3), np.uint8)
    repeats = -(-side // 2_048)
    return np.tile(noise + np.array((165, 110, 150), np.uint8), (repeats, repeats, 1))[:side, :side]


def write_pyramid(path: Path, rgb: np.ndarray, levels: tuple[int, ...]) -> None:
    options = {"tile": (TILE_PX, TILE_PX), "photometric": "rgb", "metadata": None}
    with tifffile.TiffWriter(path, bigtiff=True) as file:
        file.write(rgb, subifds=len(levels) or None, compression="jpeg", **options)
        for level in levels:
            smaller = np.ascontiguousarray(rgb[::level, ::level])
            file.write(smaller, subfiletype=1, compression="jpeg", **options)


def boxes(slide: WholeSlide, factor: float) -> Iterator[tuple[float, float]]:
    """Upper left corners, row by row, px at full resolution."""
    step = BOX_PX * factor
    for row in range(math.ceil(slide.height / step)):
        for column in range(math.ceil(slide.width / step)):
            yield column * step, row * step


def read(path: Path, factor: float) -> tuple[float, float]:
    """Seconds, and MB of the decoder's peak, of one pass in a fresh process."""
    start = time.perf_counter()
    with WholeSlide(path) as slide:
        slide.overview()
        for x, y in boxes(slide, factor):
            slide.read(x, y, (BOX_PX, BOX_PX), factor)
        seconds = time.perf_counter() - start
        status = Path(f"/proc/{slide._child.pid()}/status").read_text()
    return seconds, int(status.split("VmHWM:")[1].split()[0]) / 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--side", type=int, default=16_000, help="px of the square slide")
    parser.add_argument("--mpp", type=float, default=0.25)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        rgb = pixels(options.side)
        files = {
            "SubIFD levels": folder / "levels.ome.tif",
            "full resolution": folder / "full.ome.tif",
            "strips": folder / "strips.tif",
        }
        write_pyramid(files["SubIFD levels"], rgb, SMALLER_LEVELS)
        write_pyramid(files["full resolution"], rgb, ())
        tifffile.imwrite(files["strips"], rgb, photometric="rgb", rowsperstrip=16, bigtiff=True)
        del rgb
        found: dict[str, list[tuple[float, float]]] = {what: [] for what in files}
        for _ in range(options.rounds):
            for what, path in files.items():
                found[what].append(read(path, MPP_UM / options.mpp))
    for what, passes in found.items():
        seconds = statistics.median(one[0] for one in passes)
        print(f"{what:16} {seconds:6.1f} s   {max(one[1] for one in passes):6,.0f} MB")


if __name__ == "__main__":
    main()
