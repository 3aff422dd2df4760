"""The run's ``status.json``."""

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from idc.runs.status import RunStatus
from idc.training.observers.observer import Observer
from idc.training.state import TrainingState

_STATUS_INTERVAL_S = 1.0  # while steps are taken

OnStatus = Callable[[RunStatus], None]


class StatusObserver(Observer):
    """Writes the status at every change of phase, and once a second during the steps.

    Attributes:
        status: as last written.

    Args:
        write: replaces the file.
        on_status: called after each write.
    """

    def __init__(
        self,
        status: RunStatus,
        write: Callable[[RunStatus], None],
        on_status: OnStatus | None = None,
    ) -> None:
        self.status = status
        self._write, self._on_status = write, on_status

    def on_load_begin(self) -> None:
        """Before there is a state: the data and the model are about to be loaded."""
        self._update(state="running", phase="loading", reason="", note="")

    def on_train_begin(self, state: TrainingState) -> None:
        restored = state.restored
        self._update(
            phase="training",
            epoch=restored.epoch,
            steps=state.steps,
            step=restored.step,
            note=restored.note(),
        )

    def on_step_end(self, state: TrainingState) -> None:
        if time.time() - self.status.updated >= _STATUS_INTERVAL_S:
            self._update(
                phase="training",
                step=state.history.step,
                patches_per_s=state.patches_per_s,
                left_s=state.seconds_left(),
            )

    def on_validation_begin(self, state: TrainingState) -> None:
        self._update(phase="validating", step=state.steps)

    def on_epoch_saved(
        self, state: TrainingState, entry: dict[str, Any], y_prob: np.ndarray
    ) -> None:
        left_s = (state.epochs - entry["epoch"]) * entry["seconds"]
        self._update(phase="training", epoch=entry["epoch"], step=0, left_s=left_s)

    def on_pause(self, state: TrainingState) -> None:
        self._update(
            state="paused",
            phase="ready",
            step=state.history.step,
            reason=f"Paused after {state.progress_text()}.",
            left_s=None,
            patches_per_s=None,
        )

    def on_resume(self, state: TrainingState) -> None:
        self._update(state="running", phase="training", reason="")

    def on_exit_while_paused(self, state: TrainingState) -> None:
        self._update(phase="")

    def on_scoring_begin(self, state: TrainingState) -> None:
        self._update(phase="scoring", left_s=None)

    def on_train_end(self, state: TrainingState, outcome: str, reason: str) -> None:
        self._update(
            state=outcome, phase="", reason=reason, left_s=None, patches_per_s=None, step=0
        )

    def _update(self, **changes: Any) -> None:
        self.status = replace(self.status, updated=time.time(), **changes)
        self._write(self.status)
        if self._on_status:
            self._on_status(self.status)
