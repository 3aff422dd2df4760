"""One task of a bulk prediction: its settings, its result file, and whether it is done.

A slide is a whole-slide file or a case of a packed data set. Its result is one Parquet file with
the columns of `idc.large_images.region_exports.COLUMNS`, one row per cell (for a case: one row per
patch, in px at 4 um from the case's origin). The file's metadata records the model and the
settings, so a restarted job recognises finished tasks by the files alone.
"""

import functools
import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from idc.datasets.store import PatchStore, open_store
from idc.errors import IdcError, PredictionError, SlideError, UploadError
from idc.files import atomic
from idc.files.sources import existing_path
from idc.imaging.rescaling import unknown_scale
from idc.large_images.annotation_summary import annotation_summaries
from idc.large_images.dicom_series import one_file_per_series
from idc.large_images.frames import LEVEL_0
from idc.large_images.region import cell_boxes, model_scale
from idc.large_images.region_exports import COLUMNS, cell_labels
from idc.large_images.whole_slide import SLIDE_SUFFIXES
from idc.patches import PATCH_SIZE_PX
from idc.runs.run import Run, open_run
from idc.uploads.annotations import read_annotation_file

if TYPE_CHECKING:
    import pyarrow as pa

_METADATA_KEY = b"idc"  # the key in the file's metadata
_BOUNDS_KEY = b"bounds_px"  # x, y, width, height, or null: QuPath's frame
_ANNOTATIONS_KEY = b"annotations"  # what was predicted inside each
_CASE_FRAME = "case"  # px at 4 um from the case's origin


@dataclass(frozen=True)
class SlideTask:
    """One slide to predict, serialisable for a worker on any machine.

    Attributes:
        name: for messages.
        path: a whole-slide file; empty for a case.
        data, case: a packed data set's name and one of its cases.
        only: a GeoJSON file of annotations of this slide, outside of which nothing is predicted;
            empty for the whole slide.
    """

    name: str
    path: str = ""
    data: str = ""
    case: int = 0
    only: str = ""

    def result_name(self) -> str:
        """The result's file name, distinct for slides of the same name in different folders."""
        if self.data:
            return f"case-{self.case}.parquet"
        return f"{self.name}-{hashlib.sha256(self.path.encode()).hexdigest()[:8]}.parquet"


@dataclass(frozen=True)
class BulkSettings:
    """Settings of all tasks of a job.

    Attributes:
        run: the id of the run whose model predicts. ``sha256``: of its weights.
        threshold: positive at or above it.
        mpp_um: micrometres per px; None to read it from the files.
        stride: px between neighbouring tiles.
    """

    run: str
    sha256: str
    threshold: float
    mpp_um: float | None = None
    stride: int = PATCH_SIZE_PX


def bulk_settings(
    run: Run, threshold: float | None, mpp_um: float | None, *, overlaps: bool = False
) -> BulkSettings:
    """The settings for a run's best weights as they are now.

    Args:
        threshold: positive at or above it; None for the run's own.
        mpp_um: see `BulkSettings`.
        overlaps: whether tiles overlap by half and are averaged.

    Raises:
        PredictionError: the run has no finished epoch yet.
    """
    if not run.has_model():
        raise PredictionError(run.why_no_model())
    if threshold is None:
        threshold = run.calibration().threshold
    stride = model_scale(run).stride(overlaps=overlaps)
    return BulkSettings(run.id, run.best()["sha256"], threshold, mpp_um, stride)


def slide_tasks(paths: list[Path], only: Path | None = None) -> list[SlideTask]:
    """Tasks for whole-slide files and all slides below folders, in the given order, each once.

    Of a DICOM slide, which is several files, a folder gives one.

    Args:
        only: a file of annotations for every slide, or a folder with one for each, ``a.geojson``
            or ``a.svs.geojson`` for ``a.svs``; a slide without one fails.

    Raises:
        DataError: ``only`` does not exist.
        SlideError: a path does not exist, or no slide was found.
    """
    only = existing_path(only).resolve() if only else None
    tasks: dict[str, SlideTask] = {}
    for path in paths:
        path = path.expanduser().resolve()
        if path.is_dir():
            files = one_file_per_series(
                sorted(
                    file
                    for file in path.rglob("*")
                    if file.suffix.lower() in SLIDE_SUFFIXES and not file.name.startswith(".")
                )
            )
        elif path.is_file():
            files = [path]
        else:
            raise SlideError(f"There is no file or folder at '{path}'; check the path.")
        for file in files:
            tasks[str(file)] = SlideTask(
                file.name, path=str(file), only=_annotation_file(only, file)
            )
    if not tasks:
        raise SlideError(
            f"There is no slide at these paths; supported are {', '.join(SLIDE_SUFFIXES)}."
        )
    return list(tasks.values())


def _annotation_file(only: Path | None, slide: Path) -> str:
    if only is None:
        return ""
    if not only.is_dir():
        return str(only)
    long, short = only / f"{slide.name}.geojson", only / f"{slide.stem}.geojson"
    return str(long if long.exists() else short)


def case_tasks(data: str) -> list[SlideTask]:
    """All cases of a packed data set."""
    store = open_store(data)
    name, cases = store.description.case_name, np.unique(store.cases).tolist()
    return [SlideTask(f"case {name(case)}", data=data, case=int(case)) for case in cases]


def is_done(task: SlideTask, settings: BulkSettings, folder: Path) -> bool:
    """Whether a result exists for the same slide, weights and settings."""
    import pyarrow.parquet as pq

    try:
        metadata = pq.read_schema(folder / task.result_name()).metadata or {}
    except (OSError, ValueError):  # missing or damaged: compute it again
        return False
    return bool(metadata.get(_METADATA_KEY) == _fingerprint(task, settings))


def predict_task(task: SlideTask, settings: BulkSettings, folder: Path) -> str:
    """Predict one slide and write its file atomically.

    Returns:
        the problem as one sentence; empty on success.
    """
    import pyarrow.parquet as pq

    try:
        # Taken before predicting: a file that changes later is predicted again.
        fingerprint_bytes = _fingerprint(task, settings)
        table = _predict_case(task, settings) if task.data else _predict_slide(task, settings)
        with atomic.replacement_path(folder / task.result_name()) as beside:
            pq.write_table(
                table.replace_schema_metadata(
                    {**(table.schema.metadata or {}), _METADATA_KEY: fingerprint_bytes}
                ),
                beside,
            )
    except IdcError as error:
        return str(error)
    except OSError as error:
        return f"Its result could not be written ({error.strerror or error})."
    return ""


def _fingerprint(task: SlideTask, settings: BulkSettings) -> bytes:
    """Everything that the result depends on; for a case independent of the store's path."""
    slide: list[Any]
    if task.data:
        slide = [_store(task.data).fingerprint, task.case]
    else:
        try:
            facts = Path(task.path).stat()
        except OSError as error:
            raise SlideError(f"'{task.name}' is no longer there.") from error
        slide = [task.path, facts.st_size, facts.st_mtime_ns]
    depends_on = {**asdict(settings), "slide": slide, "columns": COLUMNS}
    if task.only:
        depends_on["annotations"] = _sha256(Path(task.only))
    return json.dumps(depends_on, sort_keys=True).encode()


def _sha256(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise UploadError(
            f"The annotations '{path.name}' cannot be read ({error.strerror}); --only takes a "
            "file, or a folder with one file for each slide."
        ) from error


def _predict_slide(task: SlideTask, settings: BulkSettings) -> "pa.Table":
    from idc.large_images.region_warnings import region_warning
    from idc.large_images.slide_predictions import SlideRequest, predict_slide_file
    from idc.large_images.whole_slide import WholeSlide

    run = _open_unchanged_run(settings)
    path, mpp_um, stated = Path(task.path), settings.mpp_um, ""
    if mpp_um is None:
        with WholeSlide(path) as slide:
            mpp_um, stated = slide.mpp_um, slide.scale_note
        if mpp_um is None and model_scale(run).mpp_um is not None:
            raise SlideError(unknown_scale(task.name, stated))
    only = read_annotation_file(Path(task.only)) if task.only else None
    request = SlideRequest(path, mpp_um, run, settings.stride, only)
    answers = predict_slide_file(request).answers
    with WholeSlide(path) as slide:
        tile_of = functools.partial(slide.tile, answers.layout)
        doubt = region_warning(request.run, answers, tile_of)
    warning = " ".join(filter(None, (stated, doubt)))
    reported = answers.layout.reported
    boxes = cell_boxes(answers.layout.x_edges_px, answers.layout.y_edges_px)[reported]
    y_prob = answers.cells()[reported]
    labels = cell_labels(answers.layout)[reported]
    warnings = np.where(np.isnan(y_prob), "", warning).astype(object)
    table = _result_table(boxes, y_prob, settings.threshold, LEVEL_0, labels, warnings)
    annotations = [one.to_json() for one in annotation_summaries(answers, settings.threshold)]
    return table.replace_schema_metadata(
        {
            _BOUNDS_KEY: json.dumps(answers.layout.bounds_px).encode(),
            _ANNOTATIONS_KEY: json.dumps(annotations).encode(),
        }
    )


def _predict_case(task: SlideTask, settings: BulkSettings) -> "pa.Table":
    from idc.prediction.image_warnings import warnings_for_patches
    from idc.prediction.predictor import predict_patches
    from idc.runs.split import check_same_kind

    store = _store(task.data)
    check_same_kind(_open_unchanged_run(settings), store)
    rows = _rows_by_case(task.data)[task.case]
    y_prob, warnings = [], []
    batch_rows = max(1, _BATCH_BYTES // store.description.patch_bytes)
    for start in range(0, len(rows), batch_rows):
        run = _open_unchanged_run(settings)
        patches = store.patches[rows[start : start + batch_rows]]
        y_prob.append(predict_patches(run, patches))
        warnings += [" ".join(sentences) for sentences in warnings_for_patches(run, patches)]
    store.release_pages()
    side = np.full(len(rows), store.description.side_px)
    boxes = np.stack([store.columns["x"][rows], store.columns["y"][rows], side, side], axis=1)
    labels = np.full(len(rows), "", object)
    return _result_table(
        boxes,
        np.concatenate(y_prob),
        settings.threshold,
        _CASE_FRAME,
        labels,
        np.array(warnings, object),
    )


_BATCH_BYTES = 60 * 10**6  # of pixels


def _result_table(
    boxes: np.ndarray,
    y_prob: np.ndarray,
    threshold: float,
    frame: str,
    labels: np.ndarray,
    warnings: np.ndarray,
) -> "pa.Table":
    """A table with the columns `COLUMNS`; predictions are null where ``y_prob`` is nan, and the
    annotation and the warning where they are empty."""
    import pyarrow as pa

    known = ~np.isnan(y_prob)
    columns = [
        *(pa.array(boxes[:, i], pa.int64()) for i in range(4)),
        pa.array(known),
        pa.array(y_prob, pa.float32(), mask=~known),
        pa.array((y_prob.astype(np.float64) >= threshold).astype(np.int8), pa.int8(), mask=~known),
        pa.repeat(frame, len(boxes)),
        pa.array(labels, pa.string(), mask=labels == ""),
        pa.array(warnings, pa.string(), mask=warnings == ""),
    ]
    return pa.table(columns, names=list(COLUMNS))


@functools.lru_cache(maxsize=1)
def _store(data: str) -> PatchStore:
    return open_store(data)


@functools.lru_cache(maxsize=1)
def _rows_by_case(data: str) -> dict[int, np.ndarray]:
    cases = _store(data).cases
    order = np.argsort(cases, kind="stable")
    case_numbers, starts = np.unique(cases[order], return_index=True)
    return dict(zip(case_numbers.tolist(), np.split(order, starts[1:]), strict=True))


def _open_unchanged_run(settings: BulkSettings) -> Run:
    run = open_run(settings.run)
    if run.best().get("sha256") != settings.sha256:
        raise PredictionError(
            f"The weights of the run '{run.title}' changed since this job started; start it again."
        )
    return run
