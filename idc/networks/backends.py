"""What the backends of Keras do differently, so that nothing else need know which one runs."""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np

from idc.errors import PredictionError


def sync_variables(model: keras.Model) -> None:
    """Make a model's variables say where its training stands, in the middle of a ``fit`` too.

    While it fits, Keras on JAX carries the state from step to step beside the variables, which are
    empty meanwhile; on TensorFlow they are always true. Whoever looks at them calls this first.
    """
    if keras.backend.backend() == "jax":
        model.jax_state_sync()


def portable_dtype(dtype: str) -> str:
    """A dtype as it is on disk for all backends: JAX counts in 32 bits where TensorFlow has 64."""
    return "int" if dtype in ("int32", "int64") else dtype


def gradient(function: Callable[[Any], Any], at: np.ndarray) -> np.ndarray:
    """How each entry of the argument moves the sum of the function's values.

    Args:
        function: of a tensor, made of Keras operations; gives a tensor.
        at: float32, where to take it.

    Returns:
        float32, shape of ``at``.

    Raises:
        PredictionError: no gradient is known for the backend that Keras runs on.
    """
    backend = keras.backend.backend()
    if backend == "tensorflow":
        return _tensorflow_gradient(function, at)
    if backend == "jax":
        return _jax_gradient(function, at)
    raise PredictionError(
        f"Grad-CAM needs a gradient, and none is known here for Keras on '{backend}'; use "
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
