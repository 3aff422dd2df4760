"""Find a run's ``model.tflite``; write it where it is missing, in a process with TensorFlow."""

import importlib.util
import logging
import subprocess
import threading

from idc.errors import PredictionError
from idc.networks.light_model import light_engine_installed
from idc.processes.detached import module_command, start_detached
from idc.processes.environment import child_environment
from idc.runs.light_model import LIGHT_MODEL_FILE, LightModelRecord, read_record
from idc.runs.lock import is_locked
from idc.runs.run import Run

_TIMEOUT_S = 180.0  # the import of TensorFlow on a busy machine, and the conversion

_lock = threading.Lock()
_failed: set[tuple[str, str]] = set()  # (folder, checksum of the weights): not tried again


def usable_light_model(run: Run) -> LightModelRecord | None:
    """The record of the file that may answer for a run; None where Keras has to.

    A missing file is written first. Keras answers while a trainer holds the run: its weights change
    with each epoch, and it writes the file at its end.

    Raises:
        PredictionError: the file is missing, and TensorFlow, which writes it, is not installed.
        DamagedFile: ``best.json`` is damaged.
    """
    if not light_engine_installed() or _key(run) in _failed:
        return None
    record = _present(run)
    if record is None and not is_locked(run.folder):
        record = _write(run)
    return record if record and record.sha256 else None


def needs_conversion(run: Run) -> bool:
    """Whether the next prediction first writes the file, which takes some seconds.

    Raises:
        DamagedFile: ``best.json`` is damaged.
    """
    return (
        light_engine_installed()
        and run.has_model()
        and _key(run) not in _failed
        and _present(run) is None
        and not is_locked(run.folder)
    )


def reject_light_model(run: Run) -> None:
    """Remove a file that is not the recorded one, so that it is written again."""
    try:
        (run.folder / LIGHT_MODEL_FILE).unlink(missing_ok=True)
    except OSError:  # a folder that only its owner may change
        _failed.add(_key(run))


def _present(run: Run) -> LightModelRecord | None:
    record = read_record(run)
    if record and record.sha256 and not (run.folder / LIGHT_MODEL_FILE).exists():
        return None
    return record


def _write(run: Run) -> LightModelRecord | None:
    if importlib.util.find_spec("tensorflow") is None:
        raise PredictionError(
            f"The model of the run '{run.title}' must be converted once before it answers without "
            "TensorFlow, and TensorFlow, which converts it, is not installed: pip install -r "
            "requirements.txt"
        )
    with _lock:  # one conversion at a time; the next thread finds the file
        if record := _present(run):
            return record
        if problem := _run_worker(run):
            logging.getLogger(__name__).warning("%s: no light model: %s", run.id, problem)
            _failed.add(_key(run))
    return _present(run)


def _key(run: Run) -> tuple[str, str]:
    return str(run.folder), str(run.best().get("sha256", ""))


def _run_worker(run: Run) -> str:
    """Convert in a process; returns why it failed, "" if it did not."""
    environment = {
        **child_environment(),
        # Keras on JAX cannot convert; the weights are the same.
        "KERAS_BACKEND": "tensorflow",
        "CUDA_VISIBLE_DEVICES": "-1",
        "TF_CPP_MIN_LOG_LEVEL": "3",
    }
    with start_detached(
        module_command("idc.prediction.light_model_worker", str(run.folder)),
        environment=environment,
        errors=subprocess.PIPE,
    ) as process:
        try:
            _, errors = process.communicate(timeout=_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            return "it took too long"
    if process.returncode == 0:
        return ""
    return (errors.strip().splitlines() or [f"exit code {process.returncode}"])[-1]
