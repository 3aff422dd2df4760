"""A generated substitute for the Kaggle set at full size: 277,524 patches in 279 cases.

    python bench/full_size.py FOLDER [--share 0.1] [--store NAME]

Each case has its real numbers of negative and positive patches, on a section of plausible shape,
with the IDC-positive ones in a few regions. The pixels are generated tissue; the PNG size matches
(5.7 kB on average, real ones 5.7 to 5.9). As in the Kaggle zip every file occurs twice,
under ``<case>/<0|1>/`` and under ``IDC_regular_ps50_idx5/``.

`full_size_zip` and `full_size_store` generate once and reuse the result. On one machine the
same share gives the same bytes.
"""

import argparse
import os
import struct
import sys
import time
import zlib
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import BinaryIO, NamedTuple

import cv2
import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from idc.datasets.full_set import expected_counts
from idc.datasets.store import PackReport, PatchStore, list_stores, open_store
from idc.datasets.store_writer import Patch, StoreWriter
from idc.demo_tissue.generate import GENERATED_NOTICE, generate_cases, slide_patches
from idc.demo_tissue.noise import smooth_noise
from idc.imaging.rescaling import to_patch_size
from idc.patches import PATCH_SIZE_PX, PatchName

TOP_FOLDERS = ("", "IDC_regular_ps50_idx5/")  # of the two copies
_SLIDES = 8  # of demo tissue: some 4,000 different blocks of pixels
_FLIPS = (None, 0, 1, -1)  # OpenCV's codes
_STAIN_VECTORS = (
    (1.0, 1.0, 1.0),
    (0.85, 0.95, 0.9),
    (1.15, 1.05, 0.95),
    (0.95, 1.1, 1.05),
)  # of R, G, B
_COVERED = 0.6  # share of its bounding box that a section covers


class Place(NamedTuple):
    """A patch without its pixels. height, width: in px, below 50 at two edges of a slide."""

    name: PatchName
    height: int
    width: int


def full_size_zip(path: Path, share: float = 1.0) -> Path:
    """Make the zip at ``path``, unless it is there.

    Args:
        share: of the 279 cases; each of them is complete.
    """
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        beside = path.with_name(f".{path.name}.{os.getpid()}.new")
        with beside.open("wb") as file:
            _write_zip(file, chosen_cases(share))
        beside.rename(path)
    return path


def full_size_store(name: str, share: float = 1.0) -> PatchStore:
    """Make the store ``name`` of the patches of `full_size_zip`, unless it is there."""
    if name not in list_stores():
        cases, tissue = chosen_cases(share), Tissue()
        report = PackReport(sources=(f"full-size stand-in: {GENERATED_NOTICE}",), generated=True)
        with StoreWriter(name, sum(sum(counts) for counts in cases.values())) as writer:
            for case, (negative, positive) in cases.items():
                places = case_places(case, negative, positive)
                blocks = (tissue.pixels(*key) for key in tissue.keys(places))
                writer.add(
                    [
                        Patch(name, to_patch_size(block), height, width)
                        for (name, height, width), block in zip(places, blocks, strict=True)
                    ]
                )
            writer.finish(report)
    return open_store(name)


def chosen_cases(share: float) -> dict[int, tuple[int, int]]:
    """Case -> (negative, positive) patches, ascending: a share of the cases, at least three."""
    if not 0 < share <= 1:
        raise SystemExit(f"--share must lie above 0 and be at most 1. Received: {share}")
    counts = expected_counts()
    cases = sorted(counts)
    rows = np.linspace(0, len(cases) - 1, max(3, round(share * len(cases)))).round().astype(int)
    return {cases[row]: counts[cases[row]] for row in rows}


def case_places(case: int, negative: int, positive: int) -> list[Place]:
    """Lay out a case's patches: one ragged section, IDC-positive where a soft field is highest.

    Returns:
        In the order of their names: by row, then column.
    """
    rng = np.random.default_rng(case)
    area = (negative + positive) / _COVERED
    columns = int(np.ceil(np.sqrt(area * rng.uniform(0.9, 1.6))))
    rows = int(np.ceil(area / columns))
    y, x = np.mgrid[0:rows, 0:columns]
    from_middle = np.hypot((y + 0.5) / rows - 0.5, (x + 0.5) / columns - 0.5)
    ragged = from_middle + 0.06 * smooth_noise(rng, (rows, columns), 8)
    section = np.sort(np.argsort(ragged, axis=None, kind="stable")[: negative + positive])
    tumour = smooth_noise(rng, (rows, columns), 12).ravel()[section]
    labels = np.zeros(len(section), int)
    labels[np.argsort(-tumour, kind="stable")[:positive]] = 1
    row, column = np.divmod(section, columns)
    last_height, last_width = rng.integers(1, PATCH_SIZE_PX + 1, 2)
    height = np.where(row == row.max(), last_height, PATCH_SIZE_PX)
    width = np.where(column == column.max(), last_width, PATCH_SIZE_PX)
    grid = zip(*(part.tolist() for part in (row, column, labels, height, width)), strict=True)
    return [
        Place(PatchName(case, 1 + PATCH_SIZE_PX * down, 1 + PATCH_SIZE_PX * right, label), h, w)
        for down, right, label, h, w in grid
    ]


Key = tuple[int, int, int, int, int]  # label, number of the block, variant, height, width


class Tissue:
    """Blocks of generated pixels: a few slides, varied by flips and stains, by label."""

    def __init__(self) -> None:
        self._blocks: tuple[list[np.ndarray], list[np.ndarray]] = ([], [])
        for slide in generate_cases(_SLIDES, seed=4):
            for name, rgb in slide_patches(slide):
                self._blocks[name.label].append(rgb)
        self._gains = [_stain_table(stain) for stain in _STAIN_VECTORS]

    def keys(self, places: Iterable[Place]) -> Iterator[Key]:
        """The block of each place. A case has one stain; neighbours are mostly neighbours."""
        counts = [0, 0]
        for name, height, width in places:
            blocks = len(self._blocks[name.label])
            number = (name.case * 7919 + counts[name.label]) % blocks
            counts[name.label] += 1
            yield name.label, number, name.case % (len(_FLIPS) * len(_STAIN_VECTORS)), height, width

    def pixels(self, label: int, number: int, variant: int, height: int, width: int) -> np.ndarray:
        """uint8 RGB, shape (height, width, 3)."""
        stain, flip = divmod(variant, len(_FLIPS))
        rgb = self._blocks[label][number]
        code = _FLIPS[flip]
        if code is not None:
            rgb = cv2.flip(rgb, code)
        return cv2.LUT(rgb, self._gains[stain])[:height, :width]


def _stain_table(stain: tuple[float, float, float]) -> np.ndarray:
    """uint8 (1, 256, 3): more or less dye is a power of the light that comes through."""
    light = np.arange(256)[None, :, None] / 255
    return np.round(255 * light ** np.array(stain)).astype(np.uint8)


class Member(NamedTuple):
    """A file as it lies in a zip."""

    deflated: bytes
    crc: int
    size: int


def _member(rgb: np.ndarray) -> Member:
    png = cv2.imencode(".png", cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR))[1].tobytes()
    squeeze = zlib.compressobj(6, zlib.DEFLATED, -15)
    return Member(squeeze.compress(png) + squeeze.flush(), zlib.crc32(png), len(png))


def _write_zip(file: BinaryIO, cases: dict[int, tuple[int, int]]) -> None:
    """Each different block is encoded and deflated once, however often it is used."""
    tissue, members = Tissue(), {}
    places = {case: case_places(case, *counts) for case, counts in cases.items()}
    archive = ZipWriter(file)
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for top in TOP_FOLDERS:
            for case in sorted(places, key=str):
                keys = list(tissue.keys(places[case]))
                new = [key for key in dict.fromkeys(keys) if key not in members]
                made = pool.map(lambda key: _member(tissue.pixels(*key)), new)
                members.update(zip(new, made, strict=True))
                paths = (
                    f"{top}{case}/{place.name.label}/{place.name.file_name()}"
                    for place in places[case]
                )
                for path, key in sorted(zip(paths, keys, strict=True)):
                    archive.add(path, members[key])
    archive.finish()


class ZipWriter:
    """Writes members that are deflated already; `zipfile` would deflate each one again."""

    _FIELDS = "<HHHHHIIIHH"  # version, flags, method, time, date, crc, sizes, length of the name
    _DATE = (2020 - 1980) << 9 | 1 << 5 | 1

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._directory = bytearray()
        self._count = self._offset = 0

    def add(self, path: str, member: Member) -> None:
        name = path.encode("ascii")
        sizes = (member.crc, len(member.deflated), member.size)
        fields = struct.pack(self._FIELDS, 20, 0, 8, 0, self._DATE, *sizes, len(name), 0)
        self._directory += b"PK\1\2" + struct.pack("<H", 20) + fields
        self._directory += struct.pack("<HHHII", 0, 0, 0, 0, self._offset) + name
        self._offset += self._file.write(b"PK\3\4" + fields + name + member.deflated)
        self._count += 1

    def finish(self) -> None:
        """Write the directory, with the 64-bit records that more than 65,535 members need."""
        start, size, count = self._offset, len(self._directory), self._count
        if start + size >= 2**32:
            raise ValueError(f"a stand-in must stay below 4 GiB. Received: {start + size:,} bytes")
        self._file.write(self._directory)
        if count > 0xFFFF:
            end64 = struct.pack("<QHHIIQQQQ", 44, 45, 45, 0, 0, count, count, size, start)
            locator = struct.pack("<IQI", 0, start + size, 1)
            self._file.write(b"PK\6\6" + end64 + b"PK\6\7" + locator)
        shown = min(count, 0xFFFF)
        self._file.write(b"PK\5\6" + struct.pack("<HHHHIIH", 0, 0, shown, shown, size, start, 0))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, help="where the zip is kept")
    parser.add_argument("--share", type=float, default=1.0, help="of the 279 cases")
    parser.add_argument("--store", help="also make a store of this name in IDC_HOME")
    options = parser.parse_args()
    start = time.perf_counter()
    path = full_size_zip(options.folder / f"full_size_{options.share:g}.zip", options.share)
    print(f"{path}: {path.stat().st_size / 1e6:,.0f} MB, {time.perf_counter() - start:.0f} s")
    if options.store:
        start = time.perf_counter()
        store = full_size_store(options.store, options.share)
        print(
            f"store '{options.store}': {len(store):,} patches, {time.perf_counter() - start:.0f} s"
        )


if __name__ == "__main__":
    main()
