"""When a checkpoint is written."""

from collections.abc import Callable
from typing import Any

from idc.training.observers.observer import Observer
from idc.training.state import TrainingState

_CHECKPOINT_INTERVAL_S = 30.0  # of work; a kill loses at most as much


class CheckpointObserver(Observer):
    """Saves after every epoch, at a pause or stop, and at most every 30 s within an epoch.

    Args:
        state: as restored; this position is on disk already.
        save: writes the checkpoint.
    """

    def __init__(self, state: TrainingState, save: Callable[[], None]) -> None:
        self._save = save
        self._saved_position, self._saved_at_s = state.position, state.stopwatch.seconds()

    def on_step_end(self, state: TrainingState) -> None:
        if state.stopwatch.seconds() - self._saved_at_s >= _CHECKPOINT_INTERVAL_S:
            self._save_unless_saved(state)

    def on_validation_begin(self, state: TrainingState) -> None:
        """Save first if the validation would last beyond the interval."""
        since_s = state.stopwatch.seconds() - self._saved_at_s
        if since_s + state.speed_meter.validation_s > _CHECKPOINT_INTERVAL_S:
            self._save_unless_saved(state)

    def on_epoch_end(self, state: TrainingState, entry: dict[str, Any]) -> None:
        self._save_unless_saved(state)

    def on_pause(self, state: TrainingState) -> None:
        self._save_unless_saved(state)

    def on_stop(self, state: TrainingState) -> None:
        self._save_unless_saved(state)

    def _save_unless_saved(self, state: TrainingState) -> None:
        if state.position != self._saved_position:
            self._save()
            self._saved_position, self._saved_at_s = state.position, state.stopwatch.seconds()
