"""Worker process of `idc.prediction.engines`: ``python -m idc.prediction.keras_worker FD``.

Keeps the latest models loaded in Keras, for what the light engine cannot answer.
"""

import functools
from pathlib import Path
from typing import Any

import keras
import numpy as np

from idc.errors import IdcError
from idc.networks.grad_cam import FeatureExtractor
from idc.networks.inference import predict_probabilities
from idc.networks.layer_maps import inspect_layers
from idc.networks.weights import load_model
from idc.processes.child import serve
from idc.runs.run import WEIGHTS_FILE


def answer(question: dict[str, Any], block: bytes) -> tuple[dict[str, Any], bytes]:
    """Answer a request about patches with an array; an error is returned as a sentence.

    The question's "kind" is "probabilities", "features" (one row per patch: probability, then
    features), "grad-cam", or "layers" (all layers for the first patch, as described by
    `idc.networks.layer_maps.inspect_layers`).
    """
    try:
        side = question["side_px"]
        model, inside = _model(question["folder"], question["network"], question["sha256"], side)
        patches = np.frombuffer(block, np.uint8).reshape(question["count"], side, side, 3)
        if question["kind"] == "layers":
            entries, maps = inspect_layers(model, patches[0])
            return {"layers": entries}, maps
        if question["kind"] == "features":
            values = np.column_stack(inside.predict_with_features(patches))
        elif question["kind"] == "grad-cam":
            values = inside.grad_cam(patches)
        else:
            values = predict_probabilities(model, patches)
    except IdcError as error:
        return {"error": str(error)}, b""
    return {"shape": values.shape}, values.astype(np.float32).tobytes()


@functools.lru_cache(maxsize=3)
def _model(
    folder: str, network: str, sha256: str, side_px: int
) -> tuple[keras.Model, FeatureExtractor]:
    model = load_model(Path(folder) / WEIGHTS_FILE, network, sha256, side_px)
    return model, FeatureExtractor(model)


if __name__ == "__main__":
    serve(answer)
