"""What the backends of Keras do differently, so that nothing else need know which one runs."""

import keras


def settle(model: keras.Model) -> None:
    """Make a model's variables say where its training stands, in the middle of a ``fit`` too.

    While it fits, Keras on JAX carries the state from step to step beside the variables, which are
    empty meanwhile; on TensorFlow they are always true. Whoever looks at them calls this first.
    """
    if keras.backend.backend() == "jax":
        model.jax_state_sync()


def same_kind(dtype: str) -> str:
    """A dtype as it is on disk for all backends: JAX counts in 32 bits where TensorFlow has 64."""
    return "int" if dtype in ("int32", "int64") else dtype
