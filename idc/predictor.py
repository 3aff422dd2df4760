"""The worker that `idc.prediction` asks: ``python -m idc.predictor FD``. Keeps models warm."""

import functools
from pathlib import Path
from typing import Any

import keras
import numpy as np

from idc.child import serve
from idc.errors import IdcError
from idc.inference import probabilities
from idc.patches import PATCH_SHAPE
from idc.runs import WEIGHTS_FILE
from idc.weights import load_model


def answer(question: dict[str, Any], block: bytes) -> tuple[dict[str, Any], bytes]:
    """Patches in, probabilities out; an error becomes a sentence."""
    try:
        model = _model(question["folder"], question["preset"], question["sha256"])
    except IdcError as error:
        return {"error": str(error)}, b""
    patches = np.frombuffer(block, np.uint8).reshape(question["count"], *PATCH_SHAPE)
    return {}, probabilities(model, patches).tobytes()


@functools.lru_cache(maxsize=3)
def _model(folder: str, preset: str, sha256: str) -> keras.Model:
    return load_model(Path(folder) / WEIGHTS_FILE, preset, sha256)


if __name__ == "__main__":
    serve(answer)
