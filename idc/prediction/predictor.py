"""Predict patches by a model that stays loaded in one worker process.

TensorFlow takes seconds to import and never releases memory, so neither the server nor the shell
imports it: a child process (`idc.prediction.predictor_worker`) does, and keeps the latest models.
"""

import atexit
import functools
import os
from dataclasses import dataclass

import numpy as np

from idc.errors import PredictionError
from idc.processes.child import Answer, Child, ChildDied, ChildTimeout
from idc.processes.environment import KEEP_FREED_MEMORY
from idc.progress import ProgressCallback
from idc.runs.run import BUNDLED_RUN_ID, Run, list_runs, open_run

_CHUNK = 256  # the model's batch size: a single patch waits for at most one batch
_LOAD_TIMEOUT_S = 180.0  # the import of TensorFlow on a busy machine
_MAX_S_PER_PATCH = 0.1  # far more than any CPU needs

# Where the worker computes: "cpu", or a GPU's number. By default the CPU: a trainer may hold the
# GPU, and one patch gains nothing from it. `idc.large_images.bulk` sets it in its workers.
DEVICE_VARIABLE = "IDC_PREDICT_DEVICE"


@dataclass(frozen=True)
class PredictionWithFeatures:
    """Probabilities and features of some patches.

    Attributes:
        y_prob: float32 [0, 1], shape (n,), calibrated.
        features: float32, shape (n, number of features), the input of its last layer.
    """

    y_prob: np.ndarray
    features: np.ndarray


def default_model() -> Run:
    """The default model: the visitor's newest run, else the bundled model."""
    own = (run for run in list_runs() if run.has_model() and not run.shipped())
    return next(own, None) or open_run(BUNDLED_RUN_ID)


def predict_patches(
    run: Run,
    patches: np.ndarray,
    *,
    on_progress: ProgressCallback | None = None,
) -> np.ndarray:
    """The calibrated probability of IDC-positive, by a run's best weights.

    Args:
        patches: uint8 RGB, shape (n, side, side, 3), possibly a memory map.
        on_progress: called with (patches done, patches in all).

    Returns:
        float32 [0, 1], shape (n,).

    Raises:
        PredictionError: the run has no weights, they are damaged, or the worker failed.
    """
    check_patches(run, patches)
    answers = [np.empty(0, np.float32)]
    for start in range(0, len(patches), _CHUNK):
        answers.append(_ask_for_array(run, patches[start : start + _CHUNK]))
        if on_progress:
            on_progress(min(start + _CHUNK, len(patches)), len(patches))
    return run.calibration().apply(np.concatenate(answers))


def predict_with_features(run: Run, patches: np.ndarray) -> PredictionWithFeatures:
    """Probabilities as of `predict_patches`, and the features that they are computed from.

    Args:
        patches: uint8 RGB, shape (n, side, side, 3), n >= 1.

    Raises:
        PredictionError: as `predict_patches`.
    """
    check_patches(run, patches)
    starts = range(0, len(patches), _CHUNK)
    outputs = np.concatenate(
        [_ask_for_array(run, patches[start : start + _CHUNK], "features") for start in starts]
    )
    return PredictionWithFeatures(run.calibration().apply(outputs[:, 0]), outputs[:, 1:])


def grad_cam(run: Run, patches: np.ndarray) -> np.ndarray:
    """Each place's share of the log-odds of IDC-positive; see
    `idc.networks.grad_cam.Inside.grad_cam`.

    Args:
        patches: uint8 RGB, shape (n, side, side, 3).

    Returns:
        float32, shape (n, height, width) of the network's last map of features.

    Raises:
        PredictionError: as `predict_patches`.
    """
    check_patches(run, patches)
    return _ask_for_array(run, patches, "grad-cam")


def warm_predictor() -> None:
    """Start the worker and load the default model, so that the first visitor does not wait.

    Raises:
        PredictionError: as `predict_patches`.
    """
    run = default_model()
    predict_patches(run, np.zeros((1, *run.description().patch_shape), np.uint8))


def worker_alive() -> bool:
    """Whether the worker process is running. The next patch starts it if not."""
    return _worker().pid() is not None


@functools.cache
def _worker() -> Child:
    worker = Child(
        "idc.prediction.predictor_worker",
        environ=_device_environ(os.environ.get(DEVICE_VARIABLE, "cpu")),
    )
    atexit.register(worker.close)
    return worker


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


def check_patches(run: Run, patches: np.ndarray) -> None:
    """Check that patches have the shape that a run's model takes.

    Raises:
        PredictionError: another shape or dtype.
    """
    side = run.description().side_px
    if patches.shape[1:] != (side, side, 3) or patches.dtype != np.uint8:
        raise PredictionError(
            f"patches must be uint8 of shape (n, {side}, {side}, 3). Received: {patches.dtype} "
            f"{patches.shape}"
        )


def _ask_for_array(run: Run, patches: np.ndarray, kind: str = "probabilities") -> np.ndarray:
    answer, block = ask_model(run, patches, kind)
    return np.frombuffer(block, np.float32).reshape(answer["shape"])


def ask_model(run: Run, patches: np.ndarray, kind: str) -> Answer:
    """Send a request about patches to the worker; returns the worker's answer.

    Args:
        patches: uint8 RGB, shape (n, side, side, 3).
        kind: the kind of request, see `idc.prediction.predictor_worker.answer`.

    Raises:
        PredictionError: as `predict_patches`.
    """
    if not run.has_model():
        raise PredictionError(run.why_no_model())
    sha256 = run.best().get("sha256", "")
    answer, block = _ask_worker(run, sha256, patches, kind)
    latest = run.best().get("sha256", "")  # empty if the run was deleted since
    if "error" in answer and latest not in ("", sha256):
        # The trainer replaced the weights during the request.
        answer, block = _ask_worker(run, latest, patches, kind)
    if "error" in answer:
        raise PredictionError(str(answer["error"]))
    return answer, block


def _ask_worker(run: Run, sha256: str, patches: np.ndarray, kind: str) -> Answer:
    question = {
        "kind": kind,
        "folder": str(run.folder),
        "network": run.config.network,
        "side_px": patches.shape[1],
        "sha256": sha256,
        "count": len(patches),
    }
    try:
        return _worker().ask(
            question,
            np.ascontiguousarray(patches).tobytes(),
            timeout_s=_LOAD_TIMEOUT_S + _MAX_S_PER_PATCH * len(patches),
        )
    except ChildTimeout as error:
        raise PredictionError("The model did not answer in time; try again.") from error
    except ChildDied as error:
        raise PredictionError(
            "The prediction worker ended unexpectedly (out of memory?); try again."
        ) from error
