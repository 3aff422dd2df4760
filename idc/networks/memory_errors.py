"""Out-of-memory errors, and the advice to use a smaller batch size."""

import re

# TensorFlow raises ResourceExhaustedError ("OOM"), JAX RESOURCE_EXHAUSTED ("Out of memory"), the
# CPU allocators of both "failed to allocate". Matching text avoids importing the backends.
_OUT_OF_MEMORY = re.compile(
    r"RESOURCE_?EXHAUSTED|\bOOM\b|out of memory|failed to allocate|unable to allocate",
    re.IGNORECASE,
)


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error of a backend, of NumPy or of Python means that memory is exhausted."""
    if isinstance(error, MemoryError):
        return True
    return bool(_OUT_OF_MEMORY.search(f"{type(error).__name__}: {error}"))


def out_of_memory_advice(batch_size: int, device: str) -> str:
    """A sentence that states the cause and a remedy.

    Args:
        device: from `idc.networks.devices.describe_device`.
    """
    cause = f"The memory of {device} does not suffice for a batch size of {batch_size}"
    if batch_size == 1:
        return f"{cause}; free some of it, or train on another device."
    advice = f"start a new run with a batch size of {batch_size // 2}"
    if device.startswith("CPU"):
        return f"{cause}; {advice}."
    return f"{cause}, or another program uses it; {advice}, or continue this run on the CPU."
