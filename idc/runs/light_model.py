"""``model.tflite``: a run's network for the light engine, and this app's record of it.

LiteRT does not check a hostile file. Only files are loaded that this app wrote from checked weights
and compared with Keras: their checksums are recorded in the home, for shipped runs in the package.
A run folder from elsewhere therefore gets its file written again.
"""

import dataclasses
import json
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock

from idc.errors import PredictionError
from idc.files import atomic
from idc.files.home import home_dir
from idc.networks.light_model import light_engine_installed
from idc.runs import run as run_module
from idc.runs.held_out_patches import held_out_patches
from idc.runs.run import WEIGHTS_FILE, Run

LIGHT_MODEL_FILE = "model.tflite"
COMPARED_PATCHES = 64

SHIPPED_RECORD_FILE = "light_model.json"


@dataclass(frozen=True)
class LightModelRecord:
    """What this app knows of the file that it wrote for a run.

    Attributes:
        weights_sha256: of the weights that it was written from.
        sha256: of the file; "" if it must not be used.
        largest_difference: from Keras, see `idc.networks.light_export.write_light_model`.
        problem: why it must not be used, one sentence.
    """

    weights_sha256: str
    sha256: str
    largest_difference: float = 0.0
    problem: str = ""


def read_record(run: Run) -> LightModelRecord | None:
    """The record of a run's present weights; None if this app has not written their file.

    Raises:
        DamagedFile: ``best.json`` is damaged.
    """
    names = {field.name for field in dataclasses.fields(LightModelRecord)}
    try:
        values = json.loads(record_path(run).read_bytes())
    except (OSError, ValueError):  # a damaged record costs one conversion
        return None
    if not isinstance(values, dict) or values.keys() != names:
        return None
    record = LightModelRecord(**values)
    return record if record.weights_sha256 == run.best().get("sha256") else None


def write_light_model(run: Run) -> LightModelRecord:
    """Write a run's ``model.tflite`` from its best weights, and the record; needs TensorFlow.

    Another process that is doing the same is waited for. A file that differs from Keras is removed.

    Raises:
        PredictionError: the weights are missing or damaged.
        RunError: a description or the predictions of the run are damaged.
        OSError: a file cannot be written.
    """
    from idc.networks.light_export import TOLERANCE, write_light_model
    from idc.networks.weights import load_model

    weights_sha256 = str(run.best().get("sha256", ""))
    record_file, path = record_path(run), run.folder / LIGHT_MODEL_FILE
    record_file.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(record_file.with_suffix(".lock")):
        record = read_record(run)
        if record and is_intact(run, record):
            return record
        about = run.description()
        network = run.config.network
        model = load_model(run.folder / WEIGHTS_FILE, network, weights_sha256, about.side_px)
        patches, _ = held_out_patches(run, COMPARED_PATCHES)
        try:
            with atomic.replacement_path(path) as written:
                difference = write_light_model(model, written, patches)
                sha256 = atomic.file_sha256(written)
            problem = "" if difference <= TOLERANCE else _differs(difference)
        except PredictionError as error:
            difference, problem = float("inf"), str(error)
        if problem:
            path.unlink(missing_ok=True)
        record = LightModelRecord(weights_sha256, "" if problem else sha256, difference, problem)
        atomic.replace_json(record_file, dataclasses.asdict(record))
    return record


def is_intact(run: Run, record: LightModelRecord) -> bool:
    """Whether a run has the recorded file, or the record says that none can be used."""
    try:
        return not record.sha256 or atomic.file_sha256(run.folder / LIGHT_MODEL_FILE) == (
            record.sha256
        )
    except OSError:
        return False


def light_model_problem(run: Run) -> str:
    """Why Keras answers for this run instead of the light engine, one sentence; "" if it does not.

    Raises:
        DamagedFile: ``best.json`` is damaged.
    """
    if not light_engine_installed():
        return "Keras answers, because the package ai-edge-litert is not installed."
    record = read_record(run)
    return record.problem if record else ""


def _differs(difference: float) -> str:
    return (
        f"Keras answers, because the light engine's values differ from Keras' by {difference:.1g} "
        f"on {COMPARED_PATCHES} patches."
    )


def record_path(run: Run) -> Path:
    """Where the record of a run is: in the home, or beside the files of the package."""
    if run.folder.is_relative_to(run_module.SHIPPED_DIR):
        return run.folder / SHIPPED_RECORD_FILE
    return home_record_path(run.id)


def home_record_path(run_id: str) -> Path:
    """Where the record of a run in the home is."""
    return home_dir() / "light_models" / f"{run_id}.json"
