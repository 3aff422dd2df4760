import pytest

from idc.runs.status import RunStatus
from idc.training.history import RestoredCheckpoint
from idc.training.observers import status as status_module
from idc.training.observers.status import StatusObserver
from tests.training.observers.states import entry, state_at


@pytest.fixture
def clock(monkeypatch):
    """Seconds since 1970, set by the test."""

    class Clock:
        now = 1000.0

        def time(self):
            return self.now

    clock = Clock()
    monkeypatch.setattr(status_module, "time", clock)
    return clock


@pytest.fixture
def observer(clock):
    written = []
    observer = StatusObserver(RunStatus("starting", 4, updated=0.0), written.append)
    observer.written = written
    return observer


def test_start_reports_the_restored_position_and_damage(observer):
    restored = RestoredCheckpoint(epoch=2, step=3, damaged=("epoch-0003",))
    observer.on_load_begin()
    observer.on_train_begin(state_at(2, 3, restored=restored))

    assert [(one.state, one.phase) for one in observer.written] == [
        ("running", "loading"),
        ("running", "training"),
    ]
    assert (observer.status.epoch, observer.status.step, observer.status.steps) == (2, 3, 10)
    assert observer.status.note == (
        "The newest checkpoint (epoch-0003) is damaged on disk; the run went on from epoch 2, "
        "step 3."
    )


def test_steps_are_written_once_a_second(observer, clock):
    observer.on_load_begin()
    for step, now in ((1, 1000.5), (2, 1001.0), (3, 1001.9), (4, 1002.0)):
        clock.now = now
        observer.on_step_end(state_at(step=step))

    assert [one.step for one in observer.written[1:]] == [2, 4]


def test_step_reports_speed_and_time_left(observer):
    state = state_at(epoch=2, step=5)
    state.patches_per_s = 10.0
    state.speed_meter.validation_s = 4.0

    observer.on_step_end(state)

    # Two epochs of 100 patches, of which 50 are done, at 10 per second; two validations.
    assert (observer.status.patches_per_s, observer.status.left_s) == (10.0, 23.0)


def test_finished_epoch_is_reported_with_the_time_of_the_others(observer):
    observer.on_epoch_saved(state_at(epoch=1), entry(1, seconds=60.0), None)

    status = observer.status
    assert (status.epoch, status.step, status.left_s) == (1, 0, 180.0)


def test_pause_and_resume(observer):
    observer.on_pause(state_at(epoch=1, step=3))
    paused = observer.status
    observer.on_resume(state_at(epoch=1, step=3))

    assert (paused.state, paused.phase, paused.step) == ("paused", "ready", 3)
    assert paused.reason == "Paused after 1 of 4 epochs and 3 of 10 steps."
    assert (observer.status.state, observer.status.reason) == ("running", "")


def test_trainer_that_exits_while_paused_is_no_longer_ready(observer):
    observer.on_pause(state_at(step=3))
    observer.on_exit_while_paused(state_at(step=3))

    assert (observer.status.state, observer.status.phase) == ("paused", "")


def test_end_states_outcome_and_reason(observer):
    observer.on_scoring_begin(state_at(epoch=4))
    assert observer.status.phase == "scoring"
    observer.on_train_end(state_at(epoch=4), "finished", "All 4 epochs are done.")

    status = observer.status
    assert (status.state, status.phase, status.reason) == ("finished", "", "All 4 epochs are done.")


def test_callback_receives_every_written_status(clock):
    seen = []
    observer = StatusObserver(RunStatus("starting", 4), lambda status: None, seen.append)

    observer.on_load_begin()
    observer.on_validation_begin(state_at())

    assert [status.phase for status in seen] == ["loading", "validating"]
