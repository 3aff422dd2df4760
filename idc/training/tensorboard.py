"""The curves for TensorBoard, where the package ``tensorboard`` is installed: ``tensorboard/``.

``tensorboard --logdir runs`` then shows all runs side by side. Without the package nothing is
written, and nothing is missed: the log says the same.
"""

import importlib.util
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

TENSORBOARD_DIR = "tensorboard"
_NO_TENSORFLOW_MODULE = "tensorboard.compat.notf"
_EPOCH_SCALARS = ("loss", "accuracy")


class TensorBoardWriter:
    """Writes a run's scalars as TensorBoard reads them; does nothing without the package.

    A run that goes on begins a new file. TensorBoard lays the files of a folder one over the
    other, so that steps which were computed again show once.
    """

    def __init__(self, run_folder: Path) -> None:
        self._writer: Any = None
        if importlib.util.find_spec("tensorboard") is not None:
            # Its word for "without TensorFlow", which it would import to write a file: seconds,
            # and beside Keras on JAX a second owner of the GPU's memory.
            sys.modules.setdefault(_NO_TENSORFLOW_MODULE, ModuleType(_NO_TENSORFLOW_MODULE))
            from tensorboard.summary import Writer

            self._writer = Writer(str(run_folder / TENSORBOARD_DIR))

    def after_step(self, number: int, loss: float, accuracy: float) -> None:
        """One step's batch.

        Args:
            number: the step, counted through all epochs, from 1.
        """
        self._write(number, {"step/loss": loss, "step/accuracy": accuracy})

    def after_epoch(self, entry: dict[str, Any]) -> None:
        """A finished epoch, as the log has it; what is undefined is left out."""
        scores = {
            f"epoch/{name}": value
            for name, value in entry.items()
            if (name in _EPOCH_SCALARS or name.startswith("val_")) and isinstance(value, float)
        }
        self._write(entry["epoch"], scores)
        if self._writer is not None:
            self._writer.flush()

    def close(self) -> None:
        """End the file."""
        if self._writer is not None:
            self._writer.close()

    def _write(self, step: int, values: dict[str, float]) -> None:
        if self._writer is not None:
            for tag, value in values.items():
                self._writer.add_scalar(tag, value, step)
