"""idc.networks.grad_cam: features and Grad-CAM."""

import keras
import numpy as np
import pytest
from keras import layers

from idc.networks.grad_cam import FeatureExtractor
from idc.networks.inference import predict_probabilities
from idc.networks.models import build_model


@pytest.fixture(scope="module")
def patches():
    return np.random.default_rng(0).integers(0, 256, (3, 50, 50, 3)).astype(np.uint8)


@pytest.mark.parametrize(("name", "features"), [("fast", 64), ("notebook", 24)])
def test_predict_with_features_matches_the_network(name, features, patches):
    model = build_model(name)

    y_prob, found = FeatureExtractor(model).predict_with_features(patches)

    assert y_prob == pytest.approx(predict_probabilities(model, patches), abs=1e-6)
    assert found.shape == (3, features)
    assert y_prob.dtype == found.dtype == np.float32


def test_grad_cam_sums_to_log_odds_with_average_pooling(patches):
    inside = FeatureExtractor(build_model("fast"))
    y_prob = inside.predict_with_features(patches)[0].astype(np.float64)

    shares = inside.grad_cam(patches)

    assert shares.shape == (3, 4, 4)
    # The biases of the last layer start at zero.
    log_odds = np.log(y_prob / (1 - y_prob))
    assert shares.sum(axis=(1, 2)) == pytest.approx(log_odds, abs=1e-4)


def test_grad_cam_of_flattened_network_has_shape_of_last_maps(patches):
    assert FeatureExtractor(build_model("notebook")).grad_cam(patches).shape == (3, 12, 12)


def test_grad_cam_highlights_the_half_the_network_uses():
    """One map is red, one is blue; blue speaks against IDC, red for it, and twice as loud."""
    model = keras.Sequential(
        [
            keras.Input((50, 50, 3), dtype="uint8"),
            layers.Rescaling(1 / 255),
            layers.Conv2D(2, 1, use_bias=False),
            layers.GlobalAveragePooling2D(),
            layers.Dense(2, activation="softmax"),
        ]
    )
    model.layers[1].set_weights([np.array([[[[1, 0], [0, 0], [0, 1]]]], np.float32)])
    model.layers[3].set_weights([np.array([[0, 2], [1, 0]], np.float32), np.zeros(2, np.float32)])
    patch = np.zeros((1, 50, 50, 3), np.uint8)
    patch[0, :, :25, 0] = 255  # red at the left
    patch[0, :, 25:, 2] = 255  # blue at the right

    shares = FeatureExtractor(model).grad_cam(patch)[0]

    assert shares[:, :25] == pytest.approx(2 / 2_500, rel=1e-4)
    assert shares[:, 25:] == pytest.approx(-1 / 2_500, rel=1e-4)
