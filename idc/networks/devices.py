"""The device that the network runs on; the only module that queries the backends for it."""

import keras

from idc.networks.hardware import gpu_description, nvidia_smi_free_bytes, usable_cores


def describe_device() -> str:
    """For example "NVIDIA H100, 80 GiB" or "CPU, 2 cores", as the backend in use reports it."""
    return (gpu_description() or "GPU") if uses_gpu() else f"CPU, {usable_cores()} cores"


def uses_gpu() -> bool:
    """Whether the backend in use computes on a GPU."""
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        return bool(tf.config.list_physical_devices("GPU"))
    if keras.backend.backend() == "jax":
        import jax

        return jax.default_backend() == "gpu"
    return False


def gpu_peak_bytes() -> int | None:
    """Peak GPU memory of this process; None where the backend does not report it."""
    if keras.backend.backend() != "tensorflow" or not uses_gpu():
        return None
    import tensorflow as tf

    return int(tf.config.experimental.get_memory_info("GPU:0")["peak"])


def free_gpu_bytes() -> int | None:
    """Memory of the first GPU available to this process; None where it is not reported.

    On TensorFlow, call this before the first computation, which reserves all memory.
    """
    if keras.backend.backend() == "jax":
        import jax

        stats = jax.local_devices()[0].memory_stats() or {}
        limit = stats.get("bytes_limit")
        return None if limit is None else int(limit - stats.get("bytes_in_use", 0))
    return nvidia_smi_free_bytes()
