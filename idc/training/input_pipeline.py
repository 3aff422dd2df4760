"""How patches get to the device: so that a GPU does not wait for them, nor for the host at all."""

from dataclasses import dataclass

import numpy as np

from idc.networks.devices import free_gpu_bytes, uses_gpu
from idc.networks.hardware import usable_cores

_MAX_SHARE_OF_FREE = 0.25  # the rest is for the network and a batch's values
_STEPS_PER_EXECUTION = 8  # a pause, a stop or a checkpoint waits for the end of a call
_MAX_THREADS = 8


@dataclass(frozen=True)
class InputPipeline:
    """One way of feeding.

    Attributes:
        holds_patches: all patches lie on the device, see `idc.training.device_patches`.
        threads: that draw batches ahead of the device.
        steps_a_call: so many are taken before the host looks at them.
    """

    patches_on_device: bool = False
    threads: int = 1
    steps_per_execution: int = 1


def choose_input_pipeline(patches: np.ndarray) -> InputPipeline:
    """What suits the device in use.

    A CPU computes longer than it draws, so it draws as it goes. A GPU holds the patches where they
    take a quarter of its free memory at most; where they do not fit they are drawn ahead.

    Args:
        patches: of the store, uint8 RGB, shape (n, 50, 50, 3).
    """
    if not uses_gpu():
        return InputPipeline()
    free = free_gpu_bytes()
    if free is not None and patches.nbytes <= _MAX_SHARE_OF_FREE * free:
        return InputPipeline(patches_on_device=True, steps_per_execution=_STEPS_PER_EXECUTION)
    threads = min(usable_cores(), _MAX_THREADS)
    return InputPipeline(threads=threads, steps_per_execution=_STEPS_PER_EXECUTION)
