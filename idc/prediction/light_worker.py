"""Worker process of `idc.prediction.engines`: ``python -m idc.prediction.light_worker FD``.

Keeps the latest models loaded in the light engine; imports no TensorFlow.
"""

import functools
import hashlib
from pathlib import Path
from typing import Any

import numpy as np

from idc.errors import PredictionError
from idc.networks import light_model
from idc.networks.light_model import LightModel
from idc.processes.child import serve

_KEPT_MODELS = 3


def answer(question: dict[str, Any], block: bytes) -> tuple[dict[str, Any], bytes]:
    """Answer a request about patches with an array.

    The question has "path" and "sha256" of the model's file, "side_px" and "count" of the patches,
    and a "kind" as `idc.prediction.keras_worker.answer`, except "layers". The answer is
    {"unusable": why} if the file is not the expected one or cannot be loaded, or if this kind needs
    gradients.
    """
    side = question["side_px"]
    patches = np.frombuffer(block, np.uint8).reshape(question["count"], side, side, 3)
    try:
        model = _model(question["path"], question["sha256"])
        if question["kind"] == "grad-cam" and not model.has_evidence:
            return {"unusable": "its Grad-CAM needs gradients"}, b""
        values = _values(model, patches, question["kind"])
    except PredictionError as error:
        return {"unusable": str(error)}, b""
    return {"shape": values.shape}, values.astype(np.float32).tobytes()


def _values(model: LightModel, patches: np.ndarray, kind: str) -> np.ndarray:
    outputs = model.outputs(patches)
    if kind == "grad-cam":
        return outputs[light_model.EVIDENCE]
    y_prob = outputs[light_model.PROBABILITIES][:, 1]
    if kind == "features":
        return np.column_stack([y_prob, outputs[light_model.FEATURES]])
    return y_prob


@functools.lru_cache(maxsize=_KEPT_MODELS)
def _model(path: str, sha256: str) -> LightModel:
    try:
        content = Path(path).read_bytes()
    except OSError as error:
        raise PredictionError(f"{path} cannot be read.") from error
    if hashlib.sha256(content).hexdigest() != sha256:
        raise PredictionError(f"{path} is not the file that was written here.")
    return LightModel(content)


if __name__ == "__main__":
    serve(answer)
