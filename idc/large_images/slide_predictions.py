"""Predictions for whole slides, cached on disk.

Each is a folder in `whole_slides_dir`, named by a hash of its request, so a repeated request is
served at once, also after a refresh and for other visitors. The newest 30 are kept.
"""

import contextlib
import hashlib
import json
import shutil
import tempfile
import threading
import time
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from idc.errors import SlideError
from idc.files.home import whole_slides_dir
from idc.imaging.rescaling import ModelScale
from idc.imaging.tiling import Tiling
from idc.large_images.annotated_cells import AnnotatedCells
from idc.large_images.frames import Bounds
from idc.large_images.region import RegionLayout, RegionPredictions, model_scale
from idc.large_images.whole_slide import WholeSlide, lay_out_slide, predict_slide
from idc.patches import MPP_UM, PATCH_SIZE_PX
from idc.processes.job_registry import JobRegistry
from idc.processes.thread_job import ThreadJob
from idc.runs.run import Run
from idc.uploads.annotations import Annotations

_prediction_lock = threading.Lock()  # two at once would only slow each other down
MAX_SAVED_PREDICTIONS = 30

_CELLS_FILE, _OVERVIEW_FILE, _METADATA_FILE = "cells.npz", "overview.png", "facts.json"


@dataclass(frozen=True)
class SlideRequest:
    """What to predict for a slide.

    Attributes:
        path: the file.
        mpp_um: micrometres per px at full resolution; may be None if the run's scale is unknown:
            the slide is then cut into patches as it is.
        run: whose model predicts.
        stride: px between neighbouring tiles, see `Tiling`; None for the side of the run's patches.
        only: predict only inside these annotations; None for the whole slide.
    """

    path: Path
    mpp_um: float | None
    run: Run
    stride: int | None = None
    only: Annotations | None = None

    def name(self) -> str:
        """A hash of file, scale, stride, run, weights and annotations: 16 hex digits.

        Raises:
            SlideError: the file is gone.
        """
        try:
            metadata = self.path.stat()
        except OSError as error:
            raise SlideError(f"'{self.path.name}' is no longer there.") from error
        weights = self.run.best().get("sha256", "")
        file = [str(self.path), metadata.st_size, metadata.st_mtime_ns]
        annotations = [self.only.sha256, self.only.file_name] if self.only else []
        stride = self.stride or model_scale(self.run).side_px
        identity = json.dumps([*file, self.mpp_um, stride, self.run.id, weights, *annotations])
        return hashlib.sha256(identity.encode()).hexdigest()[:16]


@dataclass(frozen=True)
class SlidePredictions:
    """A model's predictions for a whole slide, and an overview image.

    Attributes:
        answers: in px of the slide's full resolution.
        overview: uint8 RGB, shape (height, width, 3).
    """

    answers: RegionPredictions
    overview: np.ndarray


def predict_slide_file(
    request: SlideRequest, on_step: Callable[[str, int, int], None] | None = None
) -> SlidePredictions:
    """Find the tissue, then predict all of its tiles.

    Args:
        on_step: called with ("looking" or "predicting", done, total); an exception from it ends
            the work.

    Raises:
        SlideError, UploadError: the file cannot be read, or the scale is implausible.
        PredictionError: the model failed.
    """
    model = model_scale(request.run)
    step = on_step or (lambda state, done, total: None)
    with WholeSlide(request.path) as slide:
        overview = slide.overview(lambda done, total: step("looking", done, total))
        layout = lay_out_slide(slide, overview, request.mpp_um, request.stride, request.only, model)
        answers = predict_slide(
            request.run,
            slide,
            layout,
            on_progress=lambda done, total: step("predicting", done, total),
        )
    return SlidePredictions(answers, overview)


def save_predictions(request: SlideRequest, predictions: SlidePredictions) -> None:
    """Save predictions atomically, and delete the oldest ones."""
    folder = whole_slides_dir() / request.name()
    folder.parent.mkdir(parents=True, exist_ok=True)
    layout = predictions.answers.layout
    metadata = {
        "file": str(request.path),
        "run": request.run.id,
        "width_px": layout.width_px,
        "height_px": layout.height_px,
        "mpp_um": layout.mpp_um,
        "stride": layout.tiling.stride,
        "side_px": layout.model.side_px,
        "model_mpp_um": layout.model.mpp_um,
        "tiled_px": [layout.tiling.width, layout.tiling.height],
        "bounds_px": layout.bounds_px,
        "annotations": _annotated_names(layout.annotated),
    }
    temporary = Path(tempfile.mkdtemp(prefix=".", dir=folder.parent))
    try:
        np.savez_compressed(
            temporary / _CELLS_FILE,
            tiles=predictions.answers.tiles,
            tissue=layout.tissue,
            **_annotated_arrays(layout.annotated),
        )
        cv2.imwrite(str(temporary / _OVERVIEW_FILE), predictions.overview[..., ::-1])
        (temporary / _METADATA_FILE).write_text(json.dumps(metadata, indent=1))
        shutil.rmtree(folder, ignore_errors=True)
        temporary.rename(folder)
    except OSError as error:
        raise SlideError(
            f"The predictions could not be saved ({error.strerror}); check the disk."
        ) from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    _delete_oldest(folder.parent)


def saved_predictions(request: SlideRequest) -> SlidePredictions | None:
    """The saved predictions for exactly this request; None if there are none."""
    folder = whole_slides_dir() / request.name()
    # A damaged folder counts as missing: it can be computed again.
    with contextlib.suppress(
        OSError, ValueError, KeyError, TypeError, zipfile.BadZipFile, SlideError
    ):
        metadata = json.loads((folder / _METADATA_FILE).read_text())
        with np.load(folder / _CELLS_FILE, allow_pickle=False) as cells:
            tiles, tissue = cells["tiles"], cells["tissue"]
            annotated = _saved_annotated(metadata.get("annotations"), cells, tissue.shape)
        picture = cv2.imread(str(folder / _OVERVIEW_FILE))
        if picture is not None:
            width, height = metadata["tiled_px"]
            model = ModelScale(  # both missing in predictions of older versions
                metadata.get("side_px", PATCH_SIZE_PX), metadata.get("model_mpp_um", MPP_UM)
            )
            tiling = Tiling(width, height, metadata["stride"], model.side_px)
            layout = RegionLayout(
                metadata["width_px"],
                metadata["height_px"],
                metadata["mpp_um"],
                tiling,
                tissue,
                _saved_bounds(metadata, request.path),
                annotated,
                model,
            )
            overview = cv2.cvtColor(picture, cv2.COLOR_BGR2RGB)
            return SlidePredictions(RegionPredictions(layout, tiles), overview)
    return None


def _saved_bounds(metadata: dict[str, Any], path: Path) -> Bounds | None:
    if "bounds_px" not in metadata:  # saved before bounds were read
        with WholeSlide(path) as slide:
            return slide.bounds_px
    bounds = metadata["bounds_px"]
    return None if bounds is None else (bounds[0], bounds[1], bounds[2], bounds[3])


def _annotated_names(annotated: AnnotatedCells | None) -> dict[str, Any] | None:
    return {"file": annotated.file_name, "names": annotated.names} if annotated else None


def _annotated_arrays(annotated: AnnotatedCells | None) -> dict[str, Any]:
    if annotated is None:
        return {}
    counts = np.array([len(cells) for cells in annotated.cells])
    return {"annotated_cells": np.concatenate(annotated.cells), "annotated_counts": counts}


def _saved_annotated(
    names: dict[str, Any] | None, arrays: Mapping[str, np.ndarray], shape: tuple[int, int]
) -> AnnotatedCells | None:
    if names is None:
        return None
    cells, ends = arrays["annotated_cells"], np.cumsum(arrays["annotated_counts"])
    if len(names["names"]) != len(ends) or not all(
        isinstance(name, str) for name in names["names"]
    ):
        raise ValueError("another number of names than of annotations")
    if ends[-1] != len(cells) or cells.min() < 0 or cells.max() >= shape[0] * shape[1]:
        raise ValueError("other cells than those of the grid")
    return AnnotatedCells(
        str(names["file"]), tuple(names["names"]), tuple(np.split(cells, ends[:-1])), shape
    )


def saved_at_ns(request: SlideRequest) -> int | None:
    """When the predictions were saved, in ns since the epoch; None if there are none."""
    try:
        return (whole_slides_dir() / request.name() / _METADATA_FILE).stat().st_mtime_ns
    except OSError:
        return None


def _delete_oldest(parent: Path) -> None:
    folders = [entry for entry in parent.iterdir() if not entry.name.startswith(".")]
    folders.sort(key=lambda folder: folder.stat().st_mtime, reverse=True)
    for folder in folders[MAX_SAVED_PREDICTIONS:]:
        shutil.rmtree(folder, ignore_errors=True)


@dataclass(kw_only=True)
class SlideJob(ThreadJob):
    """A background job that predicts one slide.

    The state is "waiting" (for another slide), "looking" (for tissue), "predicting", "done",
    "failed" or "stopped".
    """

    request: SlideRequest
    title: str = "Predicting the slide"
    state: str = "waiting"

    def left_s(self) -> float | None:
        """Estimated seconds to the end; None before the first answers."""
        return super().left_s() if self.state == "predicting" else None

    def answer(self) -> None:
        """Wait for its turn, predict and save the predictions."""
        while not _prediction_lock.acquire(timeout=0.2):
            self.check_stop()
        try:
            save_predictions(self.request, predict_slide_file(self.request, self._step))
        finally:
            _prediction_lock.release()

    def _step(self, state: str, done: int, total: int) -> None:
        if state != self.state:
            self.began = time.monotonic()
        self.state = state
        self.advance(done, total)


_jobs: JobRegistry[str, SlideJob] = JobRegistry()  # by the request's name


def slide_job(request: SlideRequest) -> SlideJob | None:
    """The latest job of a request since the server started."""
    return _jobs.get(request.name())


def start_slide_job(request: SlideRequest) -> SlideJob:
    """Start to predict a slide, or join the live job of the same request."""

    def start() -> SlideJob:
        job = SlideJob(request=request)
        job.start(job.answer, "whole-slide")
        return job

    return _jobs.start_or_join(request.name(), start)
