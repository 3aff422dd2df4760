"""``python -m idc predict``: one region or whole slide."""

import argparse
import sys
from functools import partial
from pathlib import Path

import numpy as np

from idc.cli.annotation_table import print_annotations
from idc.cli.output_file import write_output
from idc.errors import DataError, IdcError, SlideError
from idc.files.sources import UnreadableMember, existing_path, read_file
from idc.imaging.rescaling import scale_note, unknown_scale
from idc.large_images.annotation_summary import annotation_summaries
from idc.large_images.frames import bounds_note
from idc.large_images.region import (
    RegionPredictions,
    check_scale_choice,
    lay_out_region,
    model_scale,
    predict_region,
    tile_at,
)
from idc.large_images.region_exports import region_csv, region_geojson
from idc.large_images.region_pictures import downscaled_picture, region_png
from idc.large_images.region_warnings import region_notes, region_warning
from idc.large_images.slide_predictions import SlideRequest, predict_slide_file
from idc.large_images.whole_slide import SLIDE_ONLY_SUFFIXES, LargeImageError, WholeSlide
from idc.prediction.predictor import default_model
from idc.processes.console import ProgressLine, progress_line
from idc.runs.run import Run, open_run
from idc.uploads.annotations import Annotations, read_annotation_file
from idc.uploads.gate import MAX_FILE_BYTES, decode_image


def is_region_request(options: argparse.Namespace) -> bool:
    """Whether to predict a region or slide rather than patches."""
    of_region = (
        *(options.region, options.mpp, options.own_pixels),
        *(options.overlap, options.geojson, options.png, options.only),
    )
    return any(of_region) or any(
        path.suffix.lower() in SLIDE_ONLY_SUFFIXES for path in options.path
    )


def region_command(options: argparse.Namespace) -> None:
    """Predict one region or whole slide; write CSV, and GeoJSON and PNG if requested."""
    if len(options.path) != 1:
        raise IdcError(
            "Give a single path: only one region or whole slide can be predicted without --out."
        )
    path = existing_path(options.path[0])
    if not path.is_file():
        raise DataError(f"'{path}' is not a file; give a region or a whole slide.")
    run = open_run(options.run) if options.run else default_model()
    check_scale_choice(run, own_pixels=options.own_pixels)
    about, stride = run.description(), model_scale(run).stride(overlaps=options.overlap)
    only = read_annotation_file(options.only) if options.only else None
    answers, picture, warning = _predict_slide_file(path, run, options.mpp, stride, only)
    threshold = run.calibration().threshold if options.threshold is None else options.threshold
    cells = answers.predicted_positive(threshold)[answers.layout.tissue]
    positive_text = f"{cells.mean():.1%}" if len(cells) else "nothing"
    mpp_um = answers.layout.mpp_um
    scale = "in its own pixels" if mpp_um is None else f"at {mpp_um:g} um per pixel"
    print(
        f"Model: run {run.id}, threshold {threshold:.3f}. {len(cells):,} cells of "
        f"tissue {scale}, {positive_text} of them {about.class_names[1]}. "
        "For research and teaching, not for diagnosis.",
        file=sys.stderr,
    )
    if only:
        print_annotations(only, annotation_summaries(answers, threshold), about.class_names[1])
    if note := bounds_note(answers.layout.bounds_px):
        print(note, file=sys.stderr)
    if warning:
        print(f"Warning: {warning}", file=sys.stderr)
    _write(options.csv, region_csv(answers, threshold, warning).encode())
    if options.geojson:
        text = region_geojson(
            answers, name=path.name, model=run.title, threshold=threshold, about=about
        )
        _write(options.geojson, text.encode())
    if options.png:
        _write(options.png, region_png(answers, picture, threshold))


def _predict_slide_file(
    path: Path, run: Run, mpp_um: float | None, stride: int, only: Annotations | None
) -> tuple[RegionPredictions, np.ndarray, str]:
    """The predictions, an overview picture (uint8 RGB), and a warning, "" for none."""
    with progress_line() as progress:
        try:
            with WholeSlide(path) as slide:
                stated = "" if mpp_um else slide.scale_note
                mpp_um = mpp_um or slide.mpp_um
        except LargeImageError:
            raise
        except SlideError:
            too_large = path.stat().st_size > MAX_FILE_BYTES  # for an image
            if too_large or path.suffix.lower() in SLIDE_ONLY_SUFFIXES:
                raise
            return _predict_image(path, run, mpp_um, stride, only, progress)
        if mpp_um is None and model_scale(run).mpp_um is not None:
            raise IdcError(unknown_scale(path.name, stated))
        words = {"looking": "looking for tissue", "predicting": "predicting"}
        found = predict_slide_file(
            SlideRequest(path, mpp_um, run, stride, only),
            lambda state, done, total: progress.show(done / total, words[state]),
        )
        with WholeSlide(path) as slide:
            doubt = region_warning(run, found.answers, partial(slide.tile, found.answers.layout))
        return found.answers, found.overview, " ".join(filter(None, (stated, doubt)))


def _predict_image(
    path: Path,
    run: Run,
    mpp_um: float | None,
    stride: int,
    only: Annotations | None,
    progress: ProgressLine,
) -> tuple[RegionPredictions, np.ndarray, str]:
    """Predict an image of another format, decoded like an upload. Returns as above."""
    try:
        data = read_file(path, MAX_FILE_BYTES)
    except UnreadableMember as error:
        limit = MAX_FILE_BYTES // 10**6
        raise DataError(f"'{path}' cannot be read: damaged, or over {limit} MB.") from error
    image = decode_image(data, path.name)
    mpp_um = mpp_um or image.mpp_um
    model = model_scale(run)
    if mpp_um is None and model.mpp_um is not None:
        raise IdcError(unknown_scale(path.name, image.scale_note))
    print(scale_note(mpp_um, model), file=sys.stderr)
    region = lay_out_region(image.rgb, mpp_um, stride, only, model)
    answers = predict_region(run, region, on_progress=progress.count)
    doubt = region_warning(run, answers, partial(tile_at, region))
    sentences = (*region_notes(region, image.notes), *([doubt] if doubt else []))
    return answers, downscaled_picture(image.rgb), " ".join(sentences)


def _write(target: str, data: bytes) -> None:
    if target == "-":
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
        return
    write_output(Path(target), data)
