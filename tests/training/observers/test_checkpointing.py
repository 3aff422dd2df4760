import pytest

from idc.training.observers.checkpointing import CheckpointObserver
from tests.training.observers.states import entry, state_at


class Saves:
    """Counts the checkpoints and records their positions."""

    def __init__(self, state):
        self.state, self.positions = state, []

    def __call__(self):
        self.positions.append(self.state.position)


def observed(state):
    saves = Saves(state)
    return CheckpointObserver(state, saves), saves


def move(state, step, seconds):
    state.history.under_way = state_at(step=step).history.under_way
    state.stopwatch.now = seconds


def test_steps_are_saved_every_30_seconds():
    state = state_at()
    observer, saves = observed(state)

    for step, seconds in ((1, 10), (2, 29.9), (3, 30), (4, 59.9), (5, 60)):
        move(state, step, seconds)
        observer.on_step_end(state)

    assert saves.positions == [(0, 3), (0, 5)]


@pytest.mark.parametrize(("validation_s", "count"), [(19.9, 0), (20.1, 1)])
def test_validation_that_would_exceed_the_interval_is_preceded_by_a_checkpoint(validation_s, count):
    state = state_at()
    observer, saves = observed(state)
    move(state, 10, seconds=10)
    state.speed_meter.validation_s = validation_s

    observer.on_validation_begin(state)

    assert len(saves.positions) == count


def test_every_epoch_is_saved():
    state = state_at()
    observer, saves = observed(state)

    for epoch in (1, 2):
        state.history.finish_epoch(entry(epoch))
        observer.on_epoch_end(state, entry(epoch))

    assert saves.positions == [(1, 0), (2, 0)]


@pytest.mark.parametrize("event", ["on_pause", "on_stop"])
def test_pause_and_stop_save_the_exact_step_once(event):
    state = state_at()
    observer, saves = observed(state)
    move(state, 7, seconds=1)

    getattr(observer, event)(state)
    getattr(observer, event)(state)

    assert saves.positions == [(0, 7)]


def test_restored_position_is_not_saved_again():
    state = state_at(epoch=2, step=3)
    observer, saves = observed(state)

    observer.on_stop(state)

    assert saves.positions == []
