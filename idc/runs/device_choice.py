"""A run that trains on the CPU though there is a GPU, which somebody else uses or fills.

The choice is a file in the run's folder, so that it holds for every trainer of the run: the one
that starts it, and the ones that go on after a pause, in the shell too.
"""

import os
from pathlib import Path

from idc.errors import write_errors_as_run_error

_CPU_ONLY_FILE = "on_cpu"
_HIDE_GPU_VARIABLES = {"CUDA_VISIBLE_DEVICES": "-1", "JAX_PLATFORMS": "cpu"}


def set_cpu_only(run_folder: Path, on_cpu: bool = True) -> None:
    """Let a run's next trainer keep to the CPU, or no longer.

    Raises:
        RunError: the choice cannot be written.
    """
    with write_errors_as_run_error("The choice of the device"):
        if on_cpu:
            (run_folder / _CPU_ONLY_FILE).touch()
        else:
            (run_folder / _CPU_ONLY_FILE).unlink(missing_ok=True)


def is_cpu_only(run_folder: Path) -> bool:
    """Whether the CPU was chosen."""
    return (run_folder / _CPU_ONLY_FILE).exists()


def apply_device_choice(run_folder: Path) -> None:
    """Hide the GPUs from this process if the CPU was chosen; before a backend is loaded."""
    if is_cpu_only(run_folder):
        os.environ.update(_HIDE_GPU_VARIABLES)
