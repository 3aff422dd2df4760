"""Differences between the Keras backends, hidden from all other modules."""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np

from idc.errors import PredictionError


def sync_variables(model: keras.Model) -> None:
    """Update a model's variables to its current state, also during ``fit``.

    During ``fit``, Keras on JAX keeps the state outside the variables, which are empty; on
    TensorFlow the variables are always current. Call this before reading them.
    """
    if keras.backend.backend() == "jax":
        model.jax_state_sync()


def portable_dtype(dtype: str) -> str:
    """The dtype written to disk: JAX has 32-bit counters where TensorFlow has 64-bit ones."""
    return "int" if dtype in ("int32", "int64") else dtype


def gradient(function: Callable[[Any], Any], at: np.ndarray) -> np.ndarray:
    """Gradient of the sum of a function's values with respect to its argument.

    Args:
        function: maps a tensor to a tensor, built from Keras operations.
        at: float32, the argument.

    Returns:
        float32, shape of ``at``.

    Raises:
        PredictionError: the backend is neither TensorFlow nor JAX.
    """
    backend = keras.backend.backend()
    if backend == "tensorflow":
        return _tensorflow_gradient(function, at)
    if backend == "jax":
        return _jax_gradient(function, at)
    raise PredictionError(
        f"Grad-CAM needs gradients, which are not implemented for Keras on '{backend}'; set "
        "KERAS_BACKEND=tensorflow or jax."
    )


def _tensorflow_gradient(function: Callable[[Any], Any], at: np.ndarray) -> np.ndarray:
    import tensorflow as tf

    argument = tf.constant(at)
    with tf.GradientTape() as tape:
        tape.watch(argument)
        total = tf.reduce_sum(function(argument))
    return tape.gradient(total, argument).numpy()


def _jax_gradient(function: Callable[[Any], Any], at: np.ndarray) -> np.ndarray:
    import jax

    return np.asarray(jax.grad(lambda argument: function(argument).sum())(at))
