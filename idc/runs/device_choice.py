"""The choice to train a run on the CPU although there is a GPU.

The choice is a file in the run's folder, so that it applies to every trainer of the run, also
after a pause and in the shell.
"""

import os
from pathlib import Path

from idc.errors import write_errors_as_run_error

_CPU_ONLY_FILE = "on_cpu"
_HIDE_GPU_VARIABLES = {"CUDA_VISIBLE_DEVICES": "-1", "JAX_PLATFORMS": "cpu"}


def set_cpu_only(run_folder: Path, on_cpu: bool = True) -> None:
    """Set whether the run's next trainer uses the CPU only.

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
    """Hide the GPUs from this process if the CPU was chosen; call before loading a backend."""
    if is_cpu_only(run_folder):
        os.environ.update(_HIDE_GPU_VARIABLES)
