"""The processes that answer for a run's model: the light engine, or Keras where it is needed.

On a CPU, LiteRT (`idc.prediction.light_worker`) answers: it starts in tenths of a second. Keras
(`idc.prediction.keras_worker`) takes seconds and several hundred megabytes to import TensorFlow. It
answers what needs gradients or every layer, for runs that are being trained, whose weights change
with each epoch, for files that differ from Keras, and on GPUs; it exits after two idle minutes.
"""

import atexit
import functools
import os
from collections.abc import Mapping
from typing import Any

import numpy as np

from idc.errors import PredictionError
from idc.prediction.light_models import reject_light_model, usable_light_model
from idc.processes.child import Answer, Child, ChildDied, ChildTimeout
from idc.processes.environment import KEEP_FREED_MEMORY
from idc.runs.light_model import LIGHT_MODEL_FILE, LightModelRecord
from idc.runs.run import Run

# Where the worker computes: "cpu", or a GPU's number. By default the CPU: a trainer may hold the
# GPU, and one patch gains nothing from it. `idc.large_images.bulk` sets it in its workers.
DEVICE_VARIABLE = "IDC_PREDICT_DEVICE"

_KERAS_IDLE_S = 120.0
_LOAD_TIMEOUT_S = 180.0  # the import of TensorFlow on a busy machine
_MAX_S_PER_PATCH = 0.1  # far more than any CPU needs
_KERAS_ONLY = {"layers"}


def ask_model(run: Run, patches: np.ndarray, kind: str) -> Answer:
    """Send a request about patches to a worker; returns the worker's answer.

    Args:
        patches: uint8 RGB, shape (n, side, side, 3).
        kind: the kind of request, see `idc.prediction.keras_worker.answer`.

    Raises:
        PredictionError: the run has no weights, they are damaged, or the worker failed.
    """
    if not run.has_model():
        raise PredictionError(run.why_no_model())
    if _device() == "cpu" and kind not in _KERAS_ONLY and (light := usable_light_model(run)):
        answer, block = _ask_light(run, light, patches, kind)
        if "unusable" not in answer:
            return answer, block
        if kind != "grad-cam":
            reject_light_model(run)  # it is written again for the next request
    return _ask_keras(run, patches, kind)


def worker_alive() -> bool:
    """Whether a worker process is running. The next patch starts one if not."""
    return any(worker().pid() is not None for worker in (_light_worker, _keras_worker))


def _ask_light(run: Run, light: LightModelRecord, patches: np.ndarray, kind: str) -> Answer:
    file = {"path": str(run.folder / LIGHT_MODEL_FILE), "sha256": light.sha256}
    return _ask(_light_worker(), {"kind": kind, **file}, patches)


def _ask_keras(run: Run, patches: np.ndarray, kind: str) -> Answer:
    def ask(sha256: str) -> Answer:
        model = {"folder": str(run.folder), "network": run.config.network, "sha256": sha256}
        return _ask(_keras_worker(), {"kind": kind, **model}, patches)

    sha256 = run.best().get("sha256", "")
    answer, block = ask(sha256)
    latest = run.best().get("sha256", "")  # empty if the run was deleted since
    if "error" in answer and latest not in ("", sha256):
        answer, block = ask(latest)  # the trainer replaced the weights during the request
    if "error" in answer:
        raise PredictionError(str(answer["error"]))
    return answer, block


def _ask(worker: Child, question: Mapping[str, Any], patches: np.ndarray) -> Answer:
    try:
        return worker.ask(
            {**question, "side_px": patches.shape[1], "count": len(patches)},
            np.ascontiguousarray(patches).tobytes(),
            timeout_s=_LOAD_TIMEOUT_S + _MAX_S_PER_PATCH * len(patches),
        )
    except ChildTimeout as error:
        raise PredictionError("The model did not answer in time; try again.") from error
    except ChildDied as error:
        raise PredictionError(
            "The prediction worker ended unexpectedly (out of memory?); try again."
        ) from error


@functools.cache
def _light_worker() -> Child:
    worker = Child("idc.prediction.light_worker")
    atexit.register(worker.close)
    return worker


@functools.cache
def _keras_worker() -> Child:
    worker = Child(
        "idc.prediction.keras_worker",
        environ=_device_environ(_device()),
        max_idle_s=_KERAS_IDLE_S,
    )
    atexit.register(worker.close)
    return worker


def _device() -> str:
    return os.environ.get(DEVICE_VARIABLE, "cpu")


def _device_environ(device: str) -> dict[str, str]:
    common = {"TF_CPP_MIN_LOG_LEVEL": "3", **KEEP_FREED_MEMORY}
    if device == "cpu":
        return {"CUDA_VISIBLE_DEVICES": "-1", "JAX_PLATFORMS": "cpu", **common}
    return {
        "CUDA_VISIBLE_DEVICES": device,
        # Allocate GPU memory on demand: a training may use the same GPU.
        "TF_FORCE_GPU_ALLOW_GROWTH": "true",
        "XLA_PYTHON_CLIENT_PREALLOCATE": "false",
        **common,
    }
