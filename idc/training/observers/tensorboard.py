"""The curves as TensorBoard event files in ``tensorboard/``, where the package is installed.

``tensorboard --logdir runs`` shows all runs side by side. Without the package ``tensorboard``
nothing is written; ``log.jsonl`` holds the same values.
"""

import importlib.util
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from idc.training.observers.observer import Observer
from idc.training.state import TrainingState

TENSORBOARD_DIR = "tensorboard"
_NO_TENSORFLOW_MODULE = "tensorboard.compat.notf"
_EPOCH_SCALARS = ("loss", "accuracy")


class TensorBoardObserver(Observer):
    """Writes scalars: ``step/...`` per logged step, ``epoch/...`` per epoch.

    A continued run writes a new file. TensorBoard overlays the files of a folder, so that steps
    which were computed twice show once.
    """

    def __init__(self, run_folder: Path) -> None:
        self._writer: Any = None
        if importlib.util.find_spec("tensorboard") is not None:
            # Prevent the writer from importing TensorFlow: it takes seconds, and beside Keras on
            # JAX it would claim the GPU's memory a second time.
            sys.modules.setdefault(_NO_TENSORFLOW_MODULE, ModuleType(_NO_TENSORFLOW_MODULE))
            from tensorboard.summary import Writer

            self._writer = Writer(str(run_folder / TENSORBOARD_DIR))

    def on_log_step(self, state: TrainingState, logs: dict[str, float]) -> None:
        """Steps are counted through all epochs, from 1."""
        number = state.history.epoch * state.steps + state.history.step
        loss, accuracy = float(logs["batch_loss"]), float(logs["batch_accuracy"])
        self._write(number, {"step/loss": loss, "step/accuracy": accuracy})

    def on_epoch_saved(
        self, state: TrainingState, entry: dict[str, Any], y_prob: np.ndarray
    ) -> None:
        """Undefined scores are left out."""
        scores = {
            f"epoch/{name}": value
            for name, value in entry.items()
            if (name in _EPOCH_SCALARS or name.startswith("val_")) and isinstance(value, float)
        }
        self._write(entry["epoch"], scores)
        if self._writer is not None:
            self._writer.flush()

    def close(self) -> None:
        """Close the file."""
        if self._writer is not None:
            self._writer.close()

    def _write(self, step: int, values: dict[str, float]) -> None:
        if self._writer is not None:
            for tag, value in values.items():
                self._writer.add_scalar(tag, value, step)
