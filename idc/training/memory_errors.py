"""Out of memory, said in one sentence with a batch size to try."""

import re

# TensorFlow says ResourceExhaustedError and OOM, JAX RESOURCE_EXHAUSTED and Out of memory, the CPU
# allocators of both "failed to allocate"; their classes are not imported for a look at a name.
_OUT_OF_MEMORY = re.compile(
    r"RESOURCE_?EXHAUSTED|\bOOM\b|out of memory|failed to allocate|unable to allocate",
    re.IGNORECASE,
)


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error of a backend, of NumPy or of Python says that memory has run out."""
    if isinstance(error, MemoryError):
        return True
    return bool(_OUT_OF_MEMORY.search(f"{type(error).__name__}: {error}"))


def out_of_memory_advice(batch_size: int, device: str) -> str:
    """What to do about it.

    Args:
        device: as `idc.networks.devices.describe_device` has it.
    """
    cause = f"The memory of {device} is used up at {batch_size} patches a step"
    if batch_size == 1:
        return f"{cause}; free some of it, or train on another device."
    advice = f"start again with a batch size of {batch_size // 2}"
    if device.startswith("CPU"):
        return f"{cause}; {advice}."
    return f"{cause}, or somebody else fills it; {advice}, or continue it on the CPU."
