import numpy as np

from idc.training.history import RestoredCheckpoint
from idc.training.observers.watched_slide import WatchedSlideObserver
from tests.training.observers.states import entry, state_at


class Recorder:
    """Records the calls of the observer."""

    def __init__(self):
        self.calls = []

    def begin(self, epoch, elapsed_s, step):
        self.calls.append(("begin", epoch, step, elapsed_s))

    def after_step(self, epoch, step, elapsed_s):
        self.calls.append(("step", epoch, step, elapsed_s))

    def after_epoch(self, epoch, elapsed_s, y_prob):
        self.calls.append(("epoch", epoch, y_prob.tolist(), elapsed_s))


def test_recorder_receives_position_time_and_validation_predictions():
    recorder = Recorder()
    observer = WatchedSlideObserver(recorder)
    state = state_at(epoch=1, step=3, restored=RestoredCheckpoint(epoch=1, step=2))
    state.stopwatch.now = 12.5

    observer.on_train_begin(state)
    observer.on_step_end(state)
    observer.on_epoch_saved(state, entry(2), np.array([0.25, 0.5]))

    assert recorder.calls == [
        ("begin", 1, 2, 12.5),
        ("step", 1, 3, 12.5),
        ("epoch", 2, [0.25, 0.5], 12.5),
    ]
