"""A network in the light engine: LiteRT, which answers without TensorFlow, in tenths of a second.

`idc.networks.light_export` writes the files.
"""

import importlib.util
import os
from collections.abc import Iterator

import numpy as np

from idc.errors import PredictionError

# Names of a file's outputs.
PROBABILITIES = "probabilities"  # float32, shape (n, 2)
FEATURES = "features"  # float32, shape (n, number of features): the input of the last layer
MAPS = "maps"  # float32, shape (n, height, width, channels): the last feature maps
EVIDENCE = "evidence"  # float32, shape (n, height, width); only of networks that average their maps

_MAX_THREADS = 8
_BATCH_PX = 64 * 50 * 50  # larger batches are not faster, and take more memory


def light_engine_installed() -> bool:
    """Whether the package ``ai-edge-litert`` is installed."""
    return importlib.util.find_spec("ai_edge_litert") is not None


class LightModel:
    """One network. Not for several threads at once.

    Args:
        content: of a file that this app wrote: LiteRT does not check foreign ones.

    Raises:
        PredictionError: it is not such a file, or the package cannot be loaded.
    """

    def __init__(self, content: bytes) -> None:
        try:
            from ai_edge_litert.interpreter import Interpreter

            threads = min(_MAX_THREADS, len(os.sched_getaffinity(0)))
            self._interpreter = Interpreter(model_content=content, num_threads=threads)
            [signature] = self._interpreter.get_signature_list().values()
            self._runner = self._interpreter.get_signature_runner()
        except (ImportError, OSError, ValueError, RuntimeError) as error:
            raise PredictionError(f"The light engine cannot load the model: {error}") from error
        [self._input] = signature["inputs"]
        self._outputs = frozenset(signature["outputs"])
        if not {PROBABILITIES, FEATURES, MAPS} <= self._outputs:
            raise PredictionError("The light engine's file of the model lacks an output.")

    @property
    def has_evidence(self) -> bool:
        """Whether Grad-CAM has a closed form, so that `outputs` include it."""
        return EVIDENCE in self._outputs

    def outputs(self, patches: np.ndarray) -> dict[str, np.ndarray]:
        """All outputs of some patches, see the names above.

        Args:
            patches: uint8 RGB, shape (n, side, side, 3), n >= 1.
        """
        batches = [self._runner(**{self._input: batch}) for batch in _batches(patches)]
        return {name: np.concatenate([b[name] for b in batches]) for name in self._outputs}


def _batches(patches: np.ndarray) -> Iterator[np.ndarray]:
    size = max(1, _BATCH_PX // (patches.shape[1] * patches.shape[2]))
    for start in range(0, len(patches), size):
        yield patches[start : start + size]
