import keras
import numpy as np
import pytest
from keras import ops

from idc.errors import PredictionError
from idc.networks.backends import gradient


def test_gradient_of_a_sum_of_squares_is_twice_the_argument():
    at = np.array([[1.0, -2.0], [0.5, 0.0]], np.float32)

    assert gradient(ops.square, at).tolist() == [[2.0, -4.0], [1.0, 0.0]]


def test_gradient_goes_through_a_layer():
    double = keras.layers.Dense(
        1, use_bias=False, kernel_initializer=keras.initializers.Constant(2)
    )

    assert gradient(double, np.ones((3, 2), np.float32)).tolist() == [[2.0, 2.0]] * 3


def test_unsupported_backend_raises_an_error_with_its_name(monkeypatch):
    monkeypatch.setattr(keras.backend, "backend", lambda: "abacus")

    with pytest.raises(PredictionError, match="not implemented for Keras on 'abacus'"):
        gradient(ops.square, np.ones(1, np.float32))
