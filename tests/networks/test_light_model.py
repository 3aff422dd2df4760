"""idc.networks.light_model: LiteRT answers as Keras does, for every network."""

import numpy as np
import pytest

from idc.errors import PredictionError
from idc.networks.light_model import LightModel

pytestmark = pytest.mark.slow  # imports TensorFlow

NETWORKS = [
    ("fast", 50),
    ("accurate", 28),
    ("notebook", 28),
    ("yours-1x2-w4-k3-max-d10-average", 50),
    ("yours-2x1-w4-k5-average-d0-flatten", 96),
]


def trained_like(name, side_px):
    """A network with random weights in every layer; some are zero before training."""
    from idc.networks.models import build_model

    model, rng = build_model(name, side_px), np.random.default_rng(0)
    model.set_weights([w + rng.uniform(0.01, 0.1, w.shape) for w in model.get_weights()])
    return model


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """Network and side -> model, content of its file, and the difference that writing found."""
    from idc.networks.light_export import write_light_model

    made = {}
    for name, side_px in NETWORKS:
        model = trained_like(name, side_px)
        path = tmp_path_factory.mktemp("light") / "model.tflite"
        difference = write_light_model(model, path, patches_of(side_px))
        made[name, side_px] = model, path.read_bytes(), difference
    return made


def patches_of(side_px, count=5):
    return np.random.default_rng(1).integers(0, 256, (count, side_px, side_px, 3), np.uint8)


@pytest.mark.parametrize("network", NETWORKS)
def test_probabilities_features_and_maps_equal_those_of_keras(network, written):
    from idc.networks.grad_cam import FeatureExtractor

    model, content, difference = written[network]
    patches = patches_of(network[1])

    outputs = LightModel(content).outputs(patches)

    expected = FeatureExtractor(model)
    y_prob, features = expected.predict_with_features(patches)
    assert outputs["probabilities"][:, 1] == pytest.approx(y_prob, abs=1e-5)
    assert outputs["features"] == pytest.approx(features, rel=1e-5, abs=1e-5)
    assert outputs["maps"].shape == (5, *expected._backbone.output.shape[1:])
    assert difference < 1e-5


@pytest.mark.parametrize("network", NETWORKS)
def test_evidence_equals_grad_cam_and_exists_only_with_average_pooling(network, written):
    from idc.networks.grad_cam import FeatureExtractor

    model, content, _ = written[network]
    light = LightModel(content)

    assert light.has_evidence == (network[0] != "notebook" and "flatten" not in network[0])
    if light.has_evidence:
        patches = patches_of(network[1])
        expected = FeatureExtractor(model).grad_cam(patches)
        found = light.outputs(patches)["evidence"]
        assert found == pytest.approx(expected, abs=1e-5 * max(1.0, float(np.abs(expected).max())))


def test_batches_of_a_large_request_are_concatenated_in_order(written):
    model, content, _ = written["accurate", 28]
    patches = patches_of(28, count=450)  # 204 in a batch

    outputs = LightModel(content).outputs(patches)

    assert outputs["probabilities"] == pytest.approx(model.predict_on_batch(patches), abs=1e-5)


def test_content_of_another_kind_is_refused():
    with pytest.raises(PredictionError, match="The light engine cannot load the model"):
        LightModel(b"\x1c\x00\x00\x00TFL3" + bytes(100))
