"""A network's features and Grad-CAM maps, for the process that holds the network.

Pages use `idc.prediction.explain`, which calls the worker process.
"""

from typing import Any

import keras
import numpy as np
from keras import ops

from idc.networks.backends import gradient
from idc.networks.inference import padded_batches
from idc.networks.models import IDC_POSITIVE


class FeatureExtractor:
    """A network split into parts: last feature maps -> features -> log-odds.

    The log-odds of IDC-positive are the difference of the last layer's two logits, a weighted sum
    of the features. Unlike the probability they do not saturate near 0 and 1.

    Args:
        model: one of `idc.networks.models`; its last layer is dense with a softmax of two.
    """

    def __init__(self, model: keras.Model) -> None:
        last = model.layers[-1]
        kernel, bias = last.get_weights()
        self._kernel = kernel[:, IDC_POSITIVE] - kernel[:, 1 - IDC_POSITIVE]
        self._bias = bias[IDC_POSITIVE] - bias[1 - IDC_POSITIVE]
        last_maps = next(layer for layer in reversed(model.layers) if len(layer.output.shape) == 4)
        self._backbone = keras.Model(model.inputs[0], last_maps.output)
        self._head = keras.Model(last_maps.output, last.input)
        self._features = keras.Model(model.inputs[0], last.input)

    def predict_with_features(self, patches: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Probabilities and features from one forward pass.

        Args:
            patches: uint8 RGB, shape (n, side, side, 3).

        Returns:
            probability of IDC-positive, float32 [0, 1], shape (n,); and the input of the last
            layer, float32, shape (n, number of features).
        """
        features = np.empty((len(patches), len(self._kernel)), np.float32)
        for at, batch in padded_batches(patches):
            output = np.asarray(self._features.predict_on_batch(batch))
            features[at] = output[: at.stop - at.start]
        return _sigmoid(features @ self._kernel + self._bias), features

    def grad_cam(self, patches: np.ndarray) -> np.ndarray:
        """Evidence for and against IDC-positive at each position of the last feature maps.

        Selvaraju et al. 2017 (arXiv:1610.02391) on the last feature maps and the log-odds, without
        the final ReLU, so that negative evidence stays visible. With global average pooling after
        the maps, as in all but the notebook's network, the contributions add up to the log-odds
        without the bias.

        Args:
            patches: uint8 RGB, shape (n, side, side, 3).

        Returns:
            float32, shape (n, height, width) of the maps: contributions to the log-odds.
        """
        maps = np.asarray(self._backbone(patches, training=False))
        gradients = gradient(self._log_odds, maps)
        weights = gradients.mean(axis=(1, 2), keepdims=True)
        return (weights * maps).sum(axis=3)

    def _log_odds(self, maps: Any) -> Any:
        features = self._head(maps, training=False)
        return ops.matmul(features, self._kernel) + self._bias


def _sigmoid(log_odds: np.ndarray) -> np.ndarray:
    return (1 / (1 + np.exp(-log_odds.astype(np.float64)))).astype(np.float32)
