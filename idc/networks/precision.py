"""The numeric precision of a network."""

import contextlib
from collections.abc import Iterator

import keras

from idc.errors import ConfigError
from idc.networks.devices import uses_gpu

_POLICIES = {"float32": "float32", "mixed": "mixed_float16"}


@contextlib.contextmanager
def precision_scope(precision: str) -> Iterator[None]:
    """Set the precision of networks built within the context; weights are always float32.

    Mixed precision (Micikevicius et al. 2018, arXiv:1710.03740) computes in float16 and scales the
    loss, so that small gradients do not vanish; Keras wraps the optimizer on compilation.

    Args:
        precision: a key of `idc.settings.training_config.PRECISIONS`.

    Raises:
        ConfigError: mixed precision without a GPU.
    """
    if precision == "mixed" and not uses_gpu():
        raise ConfigError(
            "Mixed precision needs a GPU that Keras can use, and this device has none; on a CPU it "
            "is slower. Choose precision float32."
        )
    with policy_scope(precision):
        yield


@contextlib.contextmanager
def policy_scope(precision: str) -> Iterator[None]:
    """Set the policy of new layers, whatever the device; arguments as `precision_scope`."""
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(_POLICIES[precision])
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)
