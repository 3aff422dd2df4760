"""How patches reach the device without making a GPU wait for them or for the host."""

from dataclasses import dataclass

import numpy as np

from idc.networks.devices import free_gpu_bytes, uses_gpu
from idc.networks.hardware import usable_cores

_MAX_FRACTION_OF_FREE = 0.25  # the rest is for the network and its activations
_STEPS_PER_EXECUTION = 8  # pause, stop and checkpoint wait for the end of an execution
_MAX_THREADS = 8


@dataclass(frozen=True)
class InputPipeline:
    """One way to supply patches.

    Attributes:
        patches_on_device: all patches are on the device, see `idc.training.device_patches`.
        threads: number of threads that prepare batches in advance.
        steps_per_execution: optimizer steps in one call of the compiled function.
    """

    patches_on_device: bool = False
    threads: int = 1
    steps_per_execution: int = 1


def choose_input_pipeline(patches: np.ndarray) -> InputPipeline:
    """Choose the pipeline for the device in use.

    On a CPU, preparing a batch takes little time compared with training on it: one thread. A GPU
    holds the patches if they take at most a quarter of its free memory; otherwise several threads
    prepare batches in advance.

    Args:
        patches: of the store, uint8 RGB, shape (n, side, side, 3).
    """
    if not uses_gpu():
        return InputPipeline()
    free = free_gpu_bytes()
    if free is not None and patches.nbytes <= _MAX_FRACTION_OF_FREE * free:
        return InputPipeline(patches_on_device=True, steps_per_execution=_STEPS_PER_EXECUTION)
    threads = min(usable_cores(), _MAX_THREADS)
    return InputPipeline(threads=threads, steps_per_execution=_STEPS_PER_EXECUTION)
