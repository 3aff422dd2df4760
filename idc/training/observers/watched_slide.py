"""The events at which a frame of the watched slide may be recorded."""

from typing import Any

import numpy as np

from idc.training.observers.observer import Observer
from idc.training.observers.slide_recorder import SlideRecorder
from idc.training.state import TrainingState


class WatchedSlideObserver(Observer):
    """Passes the position and time of each event to a `SlideRecorder`, which decides."""

    def __init__(self, recorder: SlideRecorder) -> None:
        self._recorder = recorder

    def on_train_begin(self, state: TrainingState) -> None:
        restored = state.restored
        self._recorder.begin(restored.epoch, state.stopwatch.seconds(), restored.step)

    def on_step_end(self, state: TrainingState) -> None:
        self._recorder.after_step(*state.position, state.stopwatch.seconds())

    def on_epoch_saved(
        self, state: TrainingState, entry: dict[str, Any], y_prob: np.ndarray
    ) -> None:
        self._recorder.after_epoch(entry["epoch"], state.stopwatch.seconds(), y_prob)
