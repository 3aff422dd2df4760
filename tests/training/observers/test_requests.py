import pytest

from idc.processes.thread_job import StopRequested
from idc.runs.control import ONE_EPOCH, PAUSE, RESUME, STOP, WITHDRAW
from idc.training.observers import requests as requests_module
from idc.training.observers.observer import ExitWhilePaused, Observer
from idc.training.observers.requests import RequestObserver
from tests.training.observers.states import entry, state_at


class Requests:
    """Returns one literal request per poll."""

    def __init__(self, *requests):
        self._requests = list(requests)

    def poll(self):
        return self._requests.pop(0) if self._requests else ""


class Events(Observer):
    """Records the events that a request causes."""

    def __init__(self):
        self.names = []

    def on_pause(self, state):
        self.names.append("pause")

    def on_resume(self, state):
        self.names.append("resume")

    def on_stop(self, state):
        self.names.append("stop")


@pytest.fixture(autouse=True)
def pause(monkeypatch):
    """No waiting run, no delay between polls."""
    monkeypatch.setattr(requests_module, "has_waiting_run", lambda: False)
    monkeypatch.setattr(requests_module, "_POLL_INTERVAL_S", 0)


def observed(*requests, should_stop=lambda: False, **options):
    events = Events()
    return RequestObserver(Requests(*requests), should_stop, events, **options), events


@pytest.mark.parametrize("request_", [STOP, WITHDRAW])
@pytest.mark.parametrize("event", ["on_train_begin", "on_step_end", "on_validation_batch_end"])
def test_stop_request_ends_the_training_at_any_event(request_, event):
    observer, events = observed(request_)

    with pytest.raises(StopRequested):
        getattr(observer, event)(state_at(step=1))

    assert events.names == ["stop"]


def test_ending_process_is_a_stop_even_if_a_pause_is_requested():
    observer, events = observed(PAUSE, should_stop=lambda: True)

    with pytest.raises(StopRequested):
        observer.on_step_end(state_at(step=1))

    assert events.names == ["stop"]


def test_pause_waits_until_resume():
    observer, events = observed(PAUSE, "", PAUSE, "", RESUME)

    observer.on_step_end(state_at(step=1))

    assert events.names == ["pause", "resume"]


def test_stop_during_a_pause_resumes_first_then_stops():
    observer, events = observed(PAUSE, STOP)

    with pytest.raises(StopRequested):
        observer.on_step_end(state_at(step=1))

    assert events.names == ["pause", "resume", "stop"]


def test_one_epoch_pauses_after_the_epoch_in_which_it_was_requested():
    observer, events = observed(ONE_EPOCH, RESUME)
    observer.on_step_end(state_at(epoch=1, step=1))

    observer.on_epoch_saved(state_at(epoch=2), entry(2), None)
    observer.on_epoch_saved(state_at(epoch=3), entry(3), None)

    assert events.names == ["pause", "resume"]


def test_one_epoch_does_not_pause_after_the_last_epoch():
    observer, events = observed(ONE_EPOCH)
    observer.on_step_end(state_at(epoch=3, step=1))

    observer.on_epoch_saved(state_at(epoch=4), entry(4), None)

    assert events.names == []


def test_resume_cancels_the_pause_after_an_epoch():
    observer, events = observed(ONE_EPOCH, RESUME)
    observer.on_step_end(state_at(step=1))
    observer.on_step_end(state_at(step=2))

    observer.on_epoch_saved(state_at(epoch=1), entry(1), None)

    assert events.names == []


def test_pause_of_several_processes_exits_at_once():
    observer, events = observed(PAUSE, RESUME, can_wait=False)

    with pytest.raises(ExitWhilePaused):
        observer.on_step_end(state_at(step=1))

    assert events.names == ["pause"]


def test_paused_trainer_exits_for_a_waiting_run(monkeypatch):
    monkeypatch.setattr(requests_module, "has_waiting_run", lambda: True)
    observer, _ = observed(PAUSE)

    with pytest.raises(ExitWhilePaused):
        observer.on_step_end(state_at(step=1))


def test_paused_trainer_exits_after_the_longest_pause(monkeypatch):
    monkeypatch.setattr(requests_module, "_MAX_PAUSE_S", -1.0)
    observer, _ = observed(PAUSE)

    with pytest.raises(ExitWhilePaused):
        observer.on_step_end(state_at(step=1))
