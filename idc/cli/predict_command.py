"""``python -m idc predict``: patches as image files."""

import argparse
import csv
import io
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from idc.cli.output_file import check_outputs, write_output
from idc.datasets.description import DataDescription
from idc.errors import IdcError, PredictionError, UploadError
from idc.files.file_kinds import ARCHIVE_KIND, IMAGE_KIND, file_kind
from idc.files.sources import existing_path
from idc.files.spreadsheets import spreadsheet_safe
from idc.large_images.whole_slide import SLIDE_ONLY_SUFFIXES, SLIDE_SUFFIXES
from idc.processes.console import progress_line
from idc.runs.run import Run
from idc.uploads.gate import MAX_FILE_BYTES, LargerThanPatch, looks_like_image
from idc.uploads.image_files import ImageFile, PatchImage, image_files, read_patch

COLUMNS = ("file", "y_prob", "y_pred", "warning", "problem")

_REGION_ADVICE = (
    "predict it alone as a region with --region and --mpp UM, or whole slides with --out FOLDER"
)
_DICOM_SUFFIX = ".dcm"


@dataclass(frozen=True)
class _Row:
    """One file: its patch, or the problem that prevents a prediction."""

    name: str
    patch: PatchImage | None = None
    problem: str = ""


def predict_command(options: argparse.Namespace) -> int:
    """Predict patches, a region or slides. Returns 2 if a file was refused."""
    from idc.cli.region_command import is_region_request, region_command
    from idc.cli.slides_command import slides_command
    from idc.prediction.predictor import default_model
    from idc.runs.run import open_run

    check_outputs(options.csv, options.geojson, options.png)
    if options.out or options.data:
        return slides_command(options)
    if not options.path:
        raise IdcError("Give paths to predict (images, folders, zips, slides) or --data NAME.")
    if is_region_request(options):
        region_command(options)
        return 0
    run = open_run(options.run) if options.run else default_model()
    rows = _read_files(run, [existing_path(path) for path in options.path])
    refused = [row for row in rows if row.problem]
    if len(rows) == 1 and refused:
        raise UploadError(rows[0].problem)
    for row in refused:
        print(f"idc: {row.problem}", file=sys.stderr)
    _predict_rows(run, rows, options)
    if refused:
        print(
            f"{len(refused):,} of {len(rows):,} files have no prediction; the column 'problem' "
            "states why.",
            file=sys.stderr,
        )
    return 2 if refused else 0


def _read_files(run: Run, paths: list[Path]) -> list[_Row]:
    """All images at these paths, and every file that was given itself.

    Raises:
        PredictionError: there is none.
    """
    given = {str(path) for path in paths if not path.is_dir()}
    rows, others = list[_Row](), 0
    for file in image_files(paths):
        if file.name in given or _is_wanted(file):
            rows.append(_read_row(file, run.description()))
        else:
            others += 1
    if others:
        print(f"{others:,} files were skipped because they are not images.", file=sys.stderr)
    if not rows:
        raise PredictionError("These paths contain no image; give PNG, JPEG or TIFF patches.")
    return rows


def _is_wanted(file: ImageFile) -> bool:
    """Whether a file in a folder or zip gets a row: an image or slide, or an archive of some."""
    if file.problem or _slide_kind(file) or looks_like_image(file.data):
        return True
    kind = file_kind(file.data)
    return kind is not None and kind.group in (IMAGE_KIND, ARCHIVE_KIND)


def _slide_kind(file: ImageFile) -> str:
    """What a file is, if its name is that of a slide; else ""."""
    name = file.name.lower()
    if name.endswith(_DICOM_SUFFIX):
        return "a DICOM file"
    return "a whole slide" if name.endswith(SLIDE_ONLY_SUFFIXES) else ""


def _read_row(file: ImageFile, about: DataDescription) -> _Row:
    if kind := _slide_kind(file):
        return _Row(file.name, problem=f"'{file.name}' is {kind}; {_REGION_ADVICE}.")
    if file.problem and file.name.lower().endswith(SLIDE_SUFFIXES):
        limit = MAX_FILE_BYTES // 10**6
        problem = f"'{file.name}' cannot be read, or is larger than {limit} MB; {_REGION_ADVICE}."
        return _Row(file.name, problem=problem)
    try:
        return _Row(file.name, read_patch(file, about.side_px, about.mpp_um))
    except LargerThanPatch as error:
        size = f"{error.width:,} x {error.height:,} px"
        problem = f"'{file.name}' is {size}, which is larger than a patch; {_REGION_ADVICE}."
        return _Row(file.name, problem=problem)
    except UploadError as error:
        return _Row(file.name, problem=str(error))


def _predict_rows(run: Run, rows: list[_Row], options: argparse.Namespace) -> None:
    """Predict all patches and write the table."""
    patches = [row.patch for row in rows if row.patch is not None]
    threshold = run.calibration().threshold if options.threshold is None else options.threshold
    answers = iter(_predict(run, patches))
    lines: list[Iterable[object]] = []
    for row in rows:
        if row.patch is None:
            answer: tuple[object, ...] = ("", "", "")
        else:
            y_prob, warning = next(answers)
            answer = (f"{y_prob:.6f}", int(y_prob >= threshold), warning)
        lines.append([spreadsheet_safe(row.name), *answer, spreadsheet_safe(row.problem)])
    if patches:
        print(
            f"Model: run {run.id}, threshold {threshold:.3f}. "
            "For research and teaching, not for diagnosis.",
            file=sys.stderr,
        )
    _write_csv(options.csv, lines)


def _predict(run: Run, patches: list[PatchImage]) -> list[tuple[float, str]]:
    """Probability and warning of each patch."""
    from idc.prediction.image_warnings import warnings_for_patches
    from idc.prediction.predictor import predict_patches

    if not patches:
        return []
    pixels = np.stack([patch.rgb for patch in patches])
    with progress_line() as progress:
        y_prob = predict_patches(run, pixels, on_progress=progress.count)
    warnings = warnings_for_patches(run, pixels)
    return [
        (float(one), " ".join((*patch.notes, *sentences)))
        for one, patch, sentences in zip(y_prob, patches, warnings, strict=True)
    ]


def _write_csv(target: str, lines: Iterable[Iterable[object]]) -> None:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows(lines)
    if target == "-":
        print(text.getvalue(), end="")
    else:
        write_output(Path(target), text.getvalue().encode())
