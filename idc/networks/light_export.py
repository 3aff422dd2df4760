"""Write a network as a file of the light engine, compared with Keras. Needs TensorFlow."""

import contextlib
import io
import warnings
from pathlib import Path

import keras
import numpy as np
from keras import ops

from idc.errors import PredictionError
from idc.networks import light_model
from idc.networks.light_model import LightModel
from idc.networks.models import IDC_POSITIVE

TOLERANCE = 1e-5


def export_model(model: keras.Model, path: Path, kind: str) -> None:
    """Write a model for another runtime.

    Args:
        kind: "litert" or "onnx", a format of `keras.Model.export`.
    """
    side_px = model.input_shape[1]
    model(np.zeros((1, side_px, side_px, 3), np.uint8))  # the exporter needs one call
    with contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # of the exporter's own code
        model.export(path, format=kind, verbose=False)


def write_light_model(model: keras.Model, path: Path, patches: np.ndarray) -> float:
    """Write a network with all outputs of `idc.networks.light_model`, and compare it with Keras.

    Args:
        model: one of `idc.networks.models`, in float32.
        patches: uint8 RGB, shape (n, side, side, 3): compared on.

    Returns:
        the largest difference of an output, relative to the output's largest value above 1.

    Raises:
        PredictionError: the written file cannot be loaded.
        OSError: it cannot be written.
    """
    with_outputs = _model_with_outputs(model)
    export_model(with_outputs, path, "litert")
    answered = LightModel(path.read_bytes()).outputs(patches)
    expected = with_outputs.predict_on_batch(patches)
    if answered.keys() != expected.keys():
        raise PredictionError("The written file has other outputs than the network.")
    return max(_difference(np.asarray(expected[name]), answered[name]) for name in expected)


def _model_with_outputs(model: keras.Model) -> keras.Model:
    last = model.layers[-1]
    at = max(i for i, layer in enumerate(model.layers) if len(layer.output.shape) == 4)
    maps, following = model.layers[at].output, model.layers[at + 1]
    outputs = {
        light_model.PROBABILITIES: model.outputs[0],
        light_model.FEATURES: last.input,
        light_model.MAPS: maps,
    }
    if (
        isinstance(following, keras.layers.GlobalAveragePooling2D)
        and following.output is last.input
    ):
        outputs[light_model.EVIDENCE] = _evidence(maps, last)
    return keras.Model(model.inputs[0], outputs)


def _evidence(maps: keras.KerasTensor, last: keras.layers.Dense) -> keras.KerasTensor:
    """Grad-CAM without gradients: after global average pooling the log-odds are a sum over places.

    Zhou et al. 2016 (arXiv:1512.04150); equals `idc.networks.grad_cam` for such networks.
    """
    kernel, _ = last.get_weights()
    _, height, width, _ = maps.shape
    log_odds = kernel[:, IDC_POSITIVE] - kernel[:, 1 - IDC_POSITIVE]
    return ops.sum(maps * (log_odds / (height * width)), axis=-1)


def _difference(expected: np.ndarray, answered: np.ndarray) -> float:
    if expected.shape != answered.shape:
        return float("inf")
    return float(np.abs(expected - answered).max() / max(1.0, float(np.abs(expected).max())))
