"""The run's ``log.jsonl``."""

import math
import time
from collections.abc import Mapping
from typing import Any

import numpy as np

from idc.runs.log import LogWriter
from idc.runs.run import Run
from idc.training.observers.observer import Observer
from idc.training.state import TrainingState

_BATCH_SCORES = ("loss", "accuracy", "balanced_accuracy", "roc_auc")  # metrics "batch_<name>"


class LogObserver(Observer):
    """Appends a line per start, per logged step and per epoch."""

    def __init__(self, run: Run) -> None:
        self._run, self._writer = run, LogWriter(run.folder)

    def on_train_begin(self, state: TrainingState) -> None:
        """Log the start, then the epochs whose line was lost to a kill after their checkpoint."""
        self._writer.append(
            "start",
            epoch=state.restored.epoch,
            step=state.restored.step,
            epochs=state.epochs,
            steps=state.steps,
            damaged=state.restored.damaged,
            time=time.time(),
        )
        logged = {entry["epoch"] for entry in self._run.log().epochs}
        for entry in state.history.epochs:
            if entry["epoch"] not in logged:
                self._writer.append("epoch", **entry)

    def on_log_step(self, state: TrainingState, logs: dict[str, float]) -> None:
        self._writer.append(
            "step",
            epoch=state.history.epoch + 1,
            step=state.history.step,
            **batch_scores(logs),
            elapsed_s=round(state.stopwatch.seconds(), 2),
        )

    def on_epoch_saved(
        self, state: TrainingState, entry: dict[str, Any], y_prob: np.ndarray
    ) -> None:
        self._writer.append("epoch", **entry)


def batch_scores(logs: Mapping[str, float]) -> dict[str, float | None]:
    """The scores of the latest batch from Keras' logs, to five decimals.

    None where one is undefined, as the ROC AUC of a batch of one class.
    """
    values = {name: float(logs[f"batch_{name}"]) for name in _BATCH_SCORES}
    return {name: round(v, 5) if math.isfinite(v) else None for name, v in values.items()}
