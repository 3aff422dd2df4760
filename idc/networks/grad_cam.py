"""Inside a network: the features it judges by, and Grad-CAM. For the process that holds it.

Pages use `idc.prediction.explain`, which asks the worker.
"""

from typing import Any

import keras
import numpy as np
from keras import ops

from idc.networks.backends import gradient
from idc.networks.inference import BATCH_SIZE
from idc.networks.models import IDC_POSITIVE


class FeatureExtractor:
    """A network taken apart: last map of features -> features -> log-odds.

    The log-odds of IDC-positive are what the last layer adds up before its softmax, so they follow
    from the features by one sum. Unlike the probability they do not level off near 0 and 1.

    Args:
        model: one of `idc.networks.models`; its last layer is dense with a softmax of two.
    """

    def __init__(self, model: keras.Model) -> None:
        last = model.layers[-1]
        kernel, bias = last.get_weights()
        self._kernel = kernel[:, IDC_POSITIVE] - kernel[:, 1 - IDC_POSITIVE]
        self._bias = bias[IDC_POSITIVE] - bias[1 - IDC_POSITIVE]
        mapped = next(layer for layer in reversed(model.layers) if len(layer.output.shape) == 4)
        self._backbone = keras.Model(model.inputs[0], mapped.output)
        self._head = keras.Model(mapped.output, last.input)
        self._features = keras.Model(model.inputs[0], last.input)

    def predict_with_features(self, patches: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Answers, and the features that they rest on, in one go through the network.

        Args:
            patches: uint8 RGB, shape (n, 50, 50, 3).

        Returns:
            probability of IDC-positive, float32 [0, 1], shape (n,); and the input of the last
            layer, float32, shape (n, number of features).
        """
        features = np.empty((len(patches), len(self._kernel)), np.float32)
        size = next(b for b in (1, 8, 64, BATCH_SIZE) if b >= min(len(patches), BATCH_SIZE))
        for start in range(0, len(patches), size):
            batch = patches[start : start + size]
            full = np.zeros((size, *batch.shape[1:]), np.uint8)  # one shape compiles once
            full[: len(batch)] = batch
            found = self._features.predict_on_batch(full)
            features[start : start + len(batch)] = np.asarray(found)[: len(batch)]
        return _sigmoid(features @ self._kernel + self._bias), features

    def grad_cam(self, patches: np.ndarray) -> np.ndarray:
        """Where the network finds reasons for IDC-positive, and where reasons against it.

        Selvaraju et al. 2017 (arXiv:1610.02391) on the last map of features and the log-odds; the
        final ReLU is left out, so that what speaks against stays visible. With global average
        pooling behind the map, as in all but the notebook's network, the places' shares add up to
        the log-odds but for the bias.

        Args:
            patches: uint8 RGB, shape (n, 50, 50, 3).

        Returns:
            float32, shape (n, height, width) of the map: each place's share of the log-odds.
        """
        maps = np.asarray(self._backbone(patches, training=False))
        slope = gradient(self._log_odds, maps)
        weights = slope.mean(axis=(1, 2), keepdims=True)
        return (weights * maps).sum(axis=3)

    def _log_odds(self, maps: Any) -> Any:
        features = self._head(maps, training=False)
        return ops.matmul(features, self._kernel) + self._bias


def _sigmoid(log_odds: np.ndarray) -> np.ndarray:
    return (1 / (1 + np.exp(-log_odds.astype(np.float64)))).astype(np.float32)
