"""Predict patches by a run's model, which stays loaded in a worker process.

`idc.prediction.engines` chooses the process.
"""

from dataclasses import dataclass

import numpy as np

from idc.errors import PredictionError
from idc.prediction.engines import ask_model
from idc.progress import ProgressCallback
from idc.runs.run import BUNDLED_RUN_ID, Run, list_runs, open_run

_CHUNK = 256  # the model's batch size: a single patch waits for at most one batch


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
