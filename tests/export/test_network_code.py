"""The code of a network builds the same network, with the same initial weights."""

import keras
import numpy as np
import pytest

from idc.export.network_code import network_code
from idc.networks.models import build_model
from idc.networks.precision import policy_scope

pytestmark = pytest.mark.slow  # imports TensorFlow


def built_from(code):
    names = {"keras": keras, "layers": keras.layers}
    exec(code, names)
    return names["model"]


@pytest.mark.parametrize(
    ("network", "side_px"),
    [
        ("notebook", 50),
        ("fast", 50),
        ("accurate", 32),
        ("yours-2x1-w4-k3-average-d10-flatten", 28),
        ("yours-2x2-w4-k5-none-d0-average", 50),
        ("yours-1x1-w4-k1-max-d80-average", 96),
    ],
)
def test_code_builds_the_same_layers_and_weights(network, side_px):
    keras.utils.set_random_seed(3)
    original = build_model(network, side_px)

    keras.utils.set_random_seed(3)
    rebuilt = built_from(network_code(original))

    weights, rebuilt_weights = original.get_weights(), rebuilt.get_weights()
    assert all(map(np.array_equal, weights, rebuilt_weights)) and len(weights) == len(
        rebuilt_weights
    )
    patches = np.random.default_rng(0).integers(0, 256, (2, side_px, side_px, 3), np.uint8)
    assert np.array_equal(original(patches), rebuilt(patches))


def test_mixed_precision_keeps_the_output_in_float32():
    with policy_scope("mixed"):
        code = network_code(build_model("fast"))
        rebuilt = built_from(code)

    assert [layer.compute_dtype for layer in rebuilt.layers[-2:]] == ["float16", "float32"]


def test_code_gives_only_what_differs_from_keras_defaults():
    code = network_code(build_model("notebook"))

    assert '        keras.Input((50, 50, 3), dtype="uint8", name="patch"),' in code
    assert "        layers.MaxPooling2D(),\n        layers.BatchNormalization(),\n" in code
    assert '        layers.Dense(2, activation="softmax", name="probabilities"),' in code
