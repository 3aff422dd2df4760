"""The output of every layer of a run's network for one patch (see `idc.networks.layer_maps`)."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from idc.prediction.engines import ask_model
from idc.prediction.predictor import check_patches
from idc.runs.run import Run


@dataclass(frozen=True)
class LayerViews:
    """The outputs of all layers for a patch.

    Attributes:
        entries: one per layer, as described by `idc.networks.layer_maps.inspect_layers`.
        block: the bytes that the entries refer to.
    """

    entries: list[dict[str, Any]]
    block: bytes

    def probability(self) -> float:
        """Probability of IDC-positive from the network's last layer, [0, 1], not calibrated."""
        negative, positive = self.entries[-1]["sums"]
        return 1 / (1 + math.exp(min(700.0, negative - positive)))

    def first_filters(self) -> np.ndarray | None:
        """The first convolution's filters.

        Returns:
            float32, shape (filters, channels, rows, columns); None where the network
            has no convolution.
        """
        entry = next((entry for entry in self.entries if "filters" in entry), None)
        if entry is None:
            return None
        encoded = entry["filters"]
        rows, columns, channels, count = encoded["shape"]
        size = math.prod(encoded["shape"])
        quantized = np.frombuffer(self.block, np.uint8, size, encoded["at"]).astype(np.float32)
        low, high = (np.array(encoded[end], np.float32)[:, None] for end in ("low", "high"))
        kernels = low + quantized.reshape(count, -1) / 255 * (high - low)
        return kernels.reshape(count, channels, rows, columns)


def view_layers(run: Run, patch: np.ndarray) -> LayerViews:
    """Run a patch through a run's best weights, and return the outputs of all layers.

    Args:
        patch: uint8 RGB, shape (side, side, 3).

    Raises:
        PredictionError: the run has no weights, they are damaged, or the worker failed.
    """
    check_patches(run, patch[None])
    answer, block = ask_model(run, patch[None], "layers")
    return LayerViews(answer["layers"], bytes(block))
