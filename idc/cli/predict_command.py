"""``python -m idc predict``: patches as image files."""

import argparse
import csv
import io
import sys
from pathlib import Path
from typing import Any

from idc.cli.output_file import write_output
from idc.errors import IdcError
from idc.files.spreadsheets import spreadsheet_safe
from idc.processes.console import progress_line


def predict_command(options: argparse.Namespace) -> int:
    import numpy as np

    from idc.cli.region_command import is_region_request, region_command
    from idc.cli.slides_command import slides_command
    from idc.errors import PredictionError, UploadError
    from idc.files.sources import existing_path
    from idc.prediction.predictor import default_model, predict_patches
    from idc.runs.run import open_run
    from idc.uploads.gate import looks_like_image
    from idc.uploads.image_files import image_files, read_patch

    if options.out or options.data:
        return slides_command(options)
    if not options.path:
        raise IdcError("Give paths to predict (images, folders, zips, slides) or --data NAME.")
    if is_region_request(options):
        region_command(options)
        return 0
    run = open_run(options.run) if options.run else default_model()
    names: list[str] = []
    patches: list[np.ndarray] = []
    refused = foreign = 0
    paths = [existing_path(path) for path in options.path]
    explicit = {str(path) for path in paths if not path.is_dir()}
    for file in image_files(paths):
        if file.name not in explicit and file.data and not looks_like_image(file.data):
            foreign += 1
            continue
        try:
            patches.append(read_patch(file))
            names.append(file.name)
        except UploadError as error:
            refused += 1
            print(f"idc: {error}", file=sys.stderr)
    if foreign:
        print(f"{foreign:,} files were skipped because they are not images.", file=sys.stderr)
    if not patches and not refused:
        raise PredictionError("These paths contain no image; give PNG, JPEG or TIFF patches.")
    with progress_line() as progress:
        y_probs = (
            predict_patches(run, np.stack(patches), on_progress=progress.count)
            if patches
            else np.empty(0)
        )
    threshold = run.calibration().threshold if options.threshold is None else options.threshold
    print(
        f"Model: run {run.id}, threshold {threshold:.3f}. "
        "For research and teaching, not for diagnosis.",
        file=sys.stderr,
    )
    _write_csv(options.csv, names, y_probs, threshold)
    return 2 if refused else 0


def _write_csv(target: str, names: list[str], y_probs: Any, threshold: float) -> None:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["file", "y_prob", "y_pred"])
    for name, y_prob in zip(names, y_probs, strict=True):
        writer.writerow([spreadsheet_safe(name), f"{y_prob:.6f}", int(y_prob >= threshold)])
    if target == "-":
        print(text.getvalue(), end="")
    else:
        write_output(Path(target), text.getvalue().encode())
