"""A run that trains on the CPU though there is a GPU, which somebody else uses or fills.

The choice is a file in the run's folder, so that it holds for every trainer of the run: the one
that starts it, and the ones that go on after a pause, in the shell too.
"""

import os
from pathlib import Path

from idc.errors import written

_FILE = "on_cpu"
_NO_GPU = {"CUDA_VISIBLE_DEVICES": "-1", "JAX_PLATFORMS": "cpu"}


def choose_cpu(run_folder: Path, on_cpu: bool = True) -> None:
    """Let a run's next trainer keep to the CPU, or no longer.

    Raises:
        RunError: the choice cannot be written.
    """
    with written("The choice of the device"):
        if on_cpu:
            (run_folder / _FILE).touch()
        else:
            (run_folder / _FILE).unlink(missing_ok=True)


def keeps_to_cpu(run_folder: Path) -> bool:
    """Whether the CPU was chosen."""
    return (run_folder / _FILE).exists()


def take_chosen_device(run_folder: Path) -> None:
    """Hide the GPUs from this process if the CPU was chosen; before a backend is loaded."""
    if keeps_to_cpu(run_folder):
        os.environ.update(_NO_GPU)
