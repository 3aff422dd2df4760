"""Measurements from the pixels: how much of a patch is tissue, and how strongly it is stained.

They need one pass over all pixels, so they are computed once per store and saved in its folder,
under the store's fingerprint. All three use optical density, ``-log10((value + 1) / 256)``, which
is proportional to the amount of stain (Beer-Lambert):

- ``tissue``: the share of pixels whose mean density over red, green and blue exceeds 0.065. In the
  real set, glass and empty fat lie around 0.025, stained tissue around 0.15, and the minimum
  of the histogram between them at 0.065.
- ``stain``: the mean density of all pixels and colours.
- ``haematoxylin``: the share of it explained by the nuclear stain, by the stain vectors of Ruifrok
  & Johnston 2001. Unmixing is linear, so the mean of the unmixed pixels is the unmixed mean.
"""

import contextlib
import io
import math
import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import cv2
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from idc.datasets.store import PATCHES_FILE, PatchStore, is_current, npy_header
from idc.errors import DataError
from idc.files import atomic
from idc.files.home import data_dir
from idc.processes.job_registry import JobRegistry
from idc.processes.thread_job import ThreadJob
from idc.progress import ProgressCallback

MIN_TISSUE_DENSITY = 0.065
COLUMNS = ("tissue", "stain", "haematoxylin")

_VERSION = 1  # increase it when the method changes: older tables are ignored
_BLOCK_BYTES = 7_680_000  # of pixels, read at once
_CHUNK_BYTES = 480_000  # of pixels: these and their densities fit a core's cache

_OPTICAL_DENSITY = -np.log10((np.arange(256) + 1) / 256).astype(np.float32)
_STAIN_VECTORS = np.array(  # density of red, green and blue; haematoxylin, eosin, DAB
    [[0.65, 0.70, 0.29], [0.07, 0.99, 0.11], [0.27, 0.57, 0.78]]
)
_HAEMATOXYLIN_UNMIXING = np.linalg.inv(
    _STAIN_VECTORS / np.linalg.norm(_STAIN_VECTORS, axis=1, keepdims=True)
)[:, 0].astype(np.float32)


@dataclass(frozen=True)
class Measurements:
    """One value per patch, in the order of the store.

    Attributes:
        tissue: float32 [0, 1], shape (n,).
        stain: float32 >= 0, shape (n,), mean optical density.
        haematoxylin: float32, shape (n,), in the same unit; slightly below 0 without the stain.
    """

    tissue: np.ndarray
    stain: np.ndarray
    haematoxylin: np.ndarray


def measure_patches(patches: np.ndarray) -> np.ndarray:
    """Measure patches.

    Args:
        patches: uint8 RGB, shape (n, side, side, 3).

    Returns:
        float32, shape (n, 3): the columns `COLUMNS`.
    """
    found = np.empty((len(patches), len(COLUMNS)), np.float32)
    chunk_size = max(1, _CHUNK_BYTES // math.prod(patches.shape[1:]))
    for start in range(0, len(patches), chunk_size):
        some = slice(start, start + chunk_size)
        planes = cv2.split(patches[some].reshape(len(patches[some]), -1, 3))  # (some, pixels) each
        red, green, blue = (cv2.LUT(plane, _OPTICAL_DENSITY) for plane in planes)
        means = np.stack([plane.mean(axis=1) for plane in (red, green, blue)], axis=1)
        is_tissue = red + green + blue > 3 * MIN_TISSUE_DENSITY
        found[some, 0] = np.count_nonzero(is_tissue, axis=1) / is_tissue.shape[1]
        found[some, 1] = means.mean(axis=1)
        found[some, 2] = (means * _HAEMATOXYLIN_UNMIXING).sum(axis=1)
    return found


def measure_store(
    store: PatchStore, *, on_progress: ProgressCallback | None = None
) -> Measurements:
    """Measure all patches of a store and save the table in its folder.

    Reads the file in blocks instead of through the memory map, so the pixels do not stay in this
    process's memory.

    Args:
        on_progress: called with (patches done, patches in all); an exception in it ends the work
            without saving.

    Raises:
        DataError: the store's file cannot be read, or was replaced during the work.
    """
    try:
        found = _measure_file(data_dir() / store.name / PATCHES_FILE, store, on_progress)
        if not is_current(store):
            raise _replaced_error(store)
        table = pa.table(dict(zip(COLUMNS, np.ascontiguousarray(found.T), strict=True)))
        buffer = io.BytesIO()
        pq.write_table(table, buffer, write_page_checksum=True)
        atomic.replace_file(_path(store), buffer.getvalue())
    except OSError as error:
        raise DataError(
            f"The patches of '{store.name}' could not be measured ({error.strerror or error}); "
            "check the disk and try again."
        ) from error
    return Measurements(*found.T)


def saved_measurements(store: PatchStore) -> Measurements | None:
    """The saved table; None without one for exactly these patches."""
    # A damaged table counts as missing: it can be computed again.
    with contextlib.suppress(OSError, pa.ArrowException):
        table = pq.read_table(_path(store), page_checksum_verification=True)
        if table.num_rows == len(store) and tuple(table.column_names) == COLUMNS:
            return Measurements(*(table[name].to_numpy() for name in COLUMNS))
    return None


def has_measurements(store: PatchStore) -> bool:
    """Whether there is a saved table. Does not read it."""
    return _path(store).exists()


def _path(store: PatchStore) -> Path:
    return data_dir() / store.name / f"measurements-{_VERSION}-{store.fingerprint[:16]}.parquet"


def _measure_file(
    path: Path, store: PatchStore, on_progress: ProgressCallback | None
) -> np.ndarray:
    """float32, shape (n, 3), computed on all cores."""
    count, about = len(store), store.description
    header_bytes = len(npy_header(count, about.side_px))
    found = np.empty((count, len(COLUMNS)), np.float32)
    block_size = max(1, _BLOCK_BYTES // about.patch_bytes)
    starts = range(0, count, block_size)
    with path.open("rb") as file:

        def measure_block(start: int) -> np.ndarray:
            patches = min(block_size, count - start)
            offset = header_bytes + start * about.patch_bytes
            pixels = os.pread(file.fileno(), patches * about.patch_bytes, offset)
            return measure_patches(np.frombuffer(pixels, np.uint8).reshape(-1, *about.patch_shape))

        pool = ThreadPoolExecutor(os.cpu_count() or 1, thread_name_prefix="measure")
        try:
            for start, block in zip(starts, pool.map(measure_block, starts), strict=True):
                found[start : start + len(block)] = block
                if on_progress:
                    on_progress(start + len(block), count)
        finally:
            pool.shutdown(cancel_futures=True)
    return found


def _replaced_error(store: PatchStore) -> DataError:
    return DataError(
        f"The data set '{store.name}' was replaced while it was being measured; measure it again."
    )


@dataclass(kw_only=True)
class MeasurementJob(ThreadJob):
    """One measurement of a store and its progress: "measuring", "done", "failed" or "stopped"."""

    title: str = "Measuring"
    state: str = "measuring"


_jobs: JobRegistry[str, MeasurementJob] = JobRegistry()  # by the fingerprint of the store


def measurement_job(store: PatchStore) -> MeasurementJob | None:
    """The latest measurement of a store since the server started."""
    return _jobs.get(store.fingerprint)


def start_measuring(store: PatchStore) -> MeasurementJob:
    """Start to measure a store, or join the live measurement."""

    def start() -> MeasurementJob:
        job = MeasurementJob(total=len(store))
        measure = partial(measure_store, store, on_progress=job.advance)
        job.start(measure, f"measure-{store.name}")
        return job

    return _jobs.start_or_join(store.fingerprint, start)
