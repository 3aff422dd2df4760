"""Predictions for the HTTP API: decoded by the gate, with the same warnings as Predict."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from idc.errors import RunError, ServerBusy, UploadError
from idc.imaging.rescaling import to_patch_size
from idc.prediction.image_warnings import predict_with_warnings
from idc.prediction.predictor import default_model
from idc.runs.run import Run, open_run
from idc.uploads.gate import DecodedImage, decode_patch_image, printable_name
from idc.uploads.image_files import ImageFile

MAX_FILES = 256  # the model's batch size

_NOTICE = "For teaching and research, not for diagnosis."


def predict_files(run_id: str | None, files: Sequence[ImageFile]) -> dict[str, Any]:
    """Predict image files; the result is JSON-serialisable.

    Args:
        run_id: whose model predicts; None for the default of Predict (`default_model`).
        files: 1 to `MAX_FILES`, each a patch as PNG, JPEG, TIFF, BMP or WebP.

    Returns:
        "model" ("run", "title", the "sha256" of its weights' file, and its "model_sha256", see
        `idc.runs.model_hash`), "threshold" [0, 1] (positive at
        or above it), "notice", and "answers" in the order of the files: each a "name" with
        "probability" [0, 1], "class", "warnings" and "notes" (sentences), or with a "detail"
        stating why the file was refused.

    Raises:
        RunError: there is no such run, or it has no usable model.
        UploadError: no file can be read; the message is that of the first file.
        ServerBusy: no decoder was free in time.
        PredictionError: the model did not answer.
    """
    run = _open_run_with_model(run_id)
    sha256, model_sha256 = run.best().get("sha256"), run.model_sha256()
    about = run.description()
    decoded = [_decode_or_error(file, about.side_px) for file in files]
    images = [image for image in decoded if isinstance(image, DecodedImage)]
    if not images:
        raise next(error for error in decoded if isinstance(error, UploadError))
    patches = np.stack([to_patch_size(image.rgb, about.side_px) for image in images])
    y_prob, warnings_by_patch = predict_with_warnings(run, patches)
    if not np.isfinite(y_prob).all():
        raise RunError(f"The predictions of '{run.title}' are not numbers: its training diverged.")
    threshold = run.calibration().threshold
    results = zip(y_prob, warnings_by_patch, strict=True)
    answers = []
    for file, image in zip(files, decoded, strict=True):
        answer: dict[str, Any] = {"name": printable_name(file.name)}
        if isinstance(image, DecodedImage):
            probability, warnings = next(results)
            answer |= {
                "probability": round(float(probability), 6),
                "class": about.class_name(float(probability) >= threshold),
                "warnings": warnings,
                "notes": [*image.notes, *_resize_notes(image, about.side_px, about.mpp_um)],
            }
        else:
            answer |= {"detail": str(image)}
        answers.append(answer)
    return {
        "model": {
            "run": run.id,
            "title": run.title,
            "sha256": sha256,
            "model_sha256": model_sha256,
        },
        "threshold": threshold,
        "notice": _NOTICE,
        "answers": answers,
    }


def _open_run_with_model(run_id: str | None) -> Run:
    run = default_model() if run_id is None else open_run(run_id)
    if not run.has_model():
        raise RunError(run.why_no_model())
    return run


def _decode_or_error(file: ImageFile, side_px: int) -> DecodedImage | UploadError:
    try:
        return decode_patch_image(file.data, file.name, side_px)
    except ServerBusy:
        raise
    except UploadError as error:
        return error


def _resize_notes(image: DecodedImage, side_px: int, mpp_um: float | None) -> list[str]:
    height, width = image.rgb.shape[:2]
    if (height, width) == (side_px, side_px):
        return []
    resized = f"Resized from {width} x {height} to {side_px} x {side_px} px"
    if mpp_um is None:
        return [f"{resized}."]
    return [
        f"{resized}; the prediction is unreliable unless the patch now has {mpp_um:g} um per pixel."
    ]
