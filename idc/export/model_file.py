"""A run's model as a file for other programs, checked by its own runtime, with a description."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np

from idc import __version__
from idc.errors import ConfigError, PredictionError, RunError
from idc.export.model_formats import FORMATS, ModelFormat, OpenedModel
from idc.files import atomic
from idc.networks.inference import predict_probabilities
from idc.networks.weights import load_model
from idc.runs.held_out_patches import held_out_patches
from idc.runs.run import WEIGHTS_FILE, Run

CHECKED_PATCHES = 64
TOLERANCE = 1e-4
NO_LICENCE = "other"  # as Hugging Face calls a licence that is not in its list

LIMITS = (
    "For teaching and research, not for diagnosis. The probabilities are meaningful only for "
    "patches like those that it was trained on: of the same scale, stain and organ."
)


@dataclass(frozen=True)
class Check:
    """How a file's answers compare with the run's.

    Attributes:
        source: where the patches come from.
        largest_difference: of the probabilities.
    """

    source: str
    largest_difference: float


def write_model_file(
    run: Run, kind: str, path: Path, *, licence: str = NO_LICENCE
) -> dict[str, Any]:
    """Write a model file and, beside it, its description as JSON (``model.onnx.json``).

    Both appear after the file's own runtime has answered as the run does, on 64 patches within
    1e-4.

    Args:
        kind: a key of `FORMATS`.
        licence: an identifier as Hugging Face and SPDX use, for example "mit".

    Returns:
        the description.

    Raises:
        ConfigError: the name has another suffix, or a package is missing.
        PredictionError: the weights are missing or damaged, or the file answers otherwise.
        OSError: it cannot be written.
    """
    made = FORMATS[kind]
    if path.suffix != made.suffix:
        raise ConfigError(
            f"A file of the format {kind} has a name that ends in {made.suffix}. Received: "
            f"'{path.name}'"
        )
    made.require(kind)
    model = best_model(run)
    with (
        atomic.replacement_path(description_path(path)) as description_file,
        atomic.replacement_path(path) as model_file,
    ):
        made.write(model, model_file)
        opened = made.open(model_file)
        check = check_answers(run, model, opened)
        description = _description(run, kind, made, opened, check) | {
            "file": path.name,
            "file_sha256": atomic.file_sha256(model_file),
            "licence": licence,
        }
        description_file.write_bytes(atomic.json_bytes(description))
    return description


def description_path(path: Path) -> Path:
    """The description's path of a model file."""
    return path.with_name(f"{path.name}.json")


def best_model(run: Run) -> keras.Model:
    """A run's network with its best weights.

    Raises:
        RunError: it has none. PredictionError: they are damaged.
    """
    if not run.has_model():
        raise RunError(run.why_no_model())
    sha256, side_px = str(run.best().get("sha256", "")), run.description().side_px
    return load_model(run.folder / WEIGHTS_FILE, run.config.network, sha256, side_px)


def check_answers(run: Run, model: keras.Model, opened: OpenedModel) -> Check:
    """Compare a file's answers with the model's on 64 patches.

    Raises:
        PredictionError: they differ by more than 1e-4.
    """
    patches, source = held_out_patches(run, CHECKED_PATCHES)
    expected = predict_probabilities(model, patches)
    answers = opened.answer(patches)
    if answers.shape != (len(patches), 2):
        raise PredictionError(
            f"The file answers with an array of shape {answers.shape} instead of "
            f"{(len(patches), 2)}; nothing was written."
        )
    difference = float(np.abs(answers[:, 1] - expected).max())
    if not difference <= TOLERANCE:  # nan too
        raise PredictionError(
            f"The file's probabilities differ from the run's by up to {difference:.2g} on "
            f"{len(patches)} patches; nothing was written."
        )
    return Check(source, difference)


def _description(
    run: Run, kind: str, made: ModelFormat, opened: OpenedModel, check: Check
) -> dict[str, Any]:
    about, calibration, environment = run.description(), run.calibration(), run.environment()
    best = run.best()
    return {
        "format": kind,
        "name": run.title,
        "input": {
            "name": opened.input_name,
            "shape": ["batch", *about.patch_shape],
            "dtype": "uint8",
            "channels": "RGB",
            "side_px": about.side_px,
            "mpp_um": about.mpp_um,
            "scaling": "none: the model takes pixels as they are, 0 to 255",
        },
        "output": {
            "name": opened.output_name,
            "shape": ["batch", 2],
            "dtype": "float32",
            "classes": list(about.class_names),
            "meaning": "the probability of each class; the second one is compared with the "
            "threshold",
        },
        "threshold": calibration.threshold,
        "temperature": calibration.temperature,
        "calibration": "p' = 1 / (1 + exp(-ln(p / (1 - p)) / temperature)); the second class is "
        "predicted where p' >= threshold",
        "eight_views": "Not part of the file. The mean probability of a patch's eight flips and "
        "right-angle rotations is steadier than the one of the patch as it is.",
        "context": "Not part of the file: it sees the patch alone. A patch's neighbours on the "
        "slide can be used by smoothing the map of probabilities.",
        "model_sha256": run.model_sha256(),
        "parameters": best.get("parameters"),
        "preset": run.config.preset,
        "run": run.id,
        "epoch": best.get("epoch"),
        "validation_roc_auc": best.get("val_roc_auc"),
        "trained_with": {
            name: environment[name]
            for name in ("device", "keras", "backend", "tensorflow", "jax", "numpy", "idc")
            if name in environment
        },
        "exported_with": f"IDC Lab {__version__}, Keras {keras.__version__}",
        "check": {
            "runtime": made.runtime_text(),
            "patches": CHECKED_PATCHES,
            "source": check.source,
            "largest_difference": check.largest_difference,
            "tolerance": TOLERANCE,
        },
        "limits": LIMITS,
    }
