"""When the recorder writes a frame of the watched slide, on a fake clock."""

import numpy as np
import pytest

from idc.launch.start import create_run
from idc.runs import watched_slide
from idc.runs.watched_slide import (
    quantise_probabilities,
    read_frames,
    request_case,
    write_frame,
)
from idc.settings.training_config import preset_config
from idc.training.observers.slide_recorder import SlideRecorder
from tests.support.watched_slides import frame, split_by_case, three_case_store


class Clock:
    """Time that passes when a test says so."""

    def __init__(self):
        self.now = 100.0

    def __call__(self):
        return self.now


@pytest.fixture
def store(home):
    return three_case_store()


@pytest.fixture
def run(store):
    return create_run(preset_config("fast", "tiny"))


def test_very_long_runs_keep_every_other_frame(run, store, monkeypatch):
    monkeypatch.setattr("idc.training.observers.slide_recorder.MAX_FRAMES", 4)
    watch = SlideRecorder(run, store, split_by_case(store), lambda rows: np.zeros(len(rows)))
    watch.begin(0, 0.0)
    for epoch in (1, 2, 3, 4):
        watch.after_epoch(epoch, float(epoch), np.zeros(4, np.float32))

    assert [one.epoch for one in read_frames(run)] == [0, 2, 4]


def watching_trainer(run, store, clock=None, answer=None):
    split = split_by_case(store)
    answer = answer or (lambda rows: np.linspace(0, 1, len(rows)))
    return SlideRecorder(run, store, split, answer, clock or Clock())


def places(run):
    return [(one.case, *one.position) for one in read_frames(run)]


def test_start_and_each_epoch_are_recorded(run, store):
    watch = watching_trainer(run, store)
    watch.begin(0, 0.0)
    watch.after_epoch(1, 9.0, np.array([0.1, 0.2, 0.3, 0.9], np.float32))

    assert places(run) == [(2, 0, 0), (2, 1, 0)]
    last = read_frames(run)[-1]
    assert last.elapsed_s == 9.0
    assert last.levels == quantise_probabilities(np.array([0.1, 0.2, 0.3, 0.9], np.float32))


def test_validation_predictions_are_reused(run, store):
    predicted_rows = []

    def answer(rows):
        predicted_rows.append(rows.tolist())
        return np.zeros(len(rows))

    watch = watching_trainer(run, store, answer=answer)
    watch.begin(0, 0.0)
    watch.after_epoch(1, 9.0, np.zeros(4, np.float32))
    assert predicted_rows == [[4, 5, 6, 7]]

    request_case(run.folder, 3)
    watch.after_epoch(2, 18.0, np.zeros(4, np.float32))
    assert predicted_rows[1:] == [[8, 9, 10, 11]]


def test_frames_of_a_long_epoch_are_spaced_by_time_and_cost(run, store):
    clock, cost_s = Clock(), 0.0

    def answer(rows):
        clock.now += cost_s
        return np.zeros(len(rows))

    watch = watching_trainer(run, store, clock, answer)
    watch.begin(0, 0.0)
    cost_s = 0.5
    painted_after = []
    for step in range(1, 60):
        clock.now += 1.0
        before = len(places(run))
        watch.after_step(0, step, float(step))
        if len(places(run)) > before:
            painted_after.append(step)

    # Step 1 compiles; 3 s later comes a frame, which takes 0.5 s, and 33 times that the next.
    assert painted_after == [4, 21, 38, 55]


def test_requested_case_is_recorded_at_the_next_poll(run, store):
    clock = Clock()
    watch = watching_trainer(run, store, clock)
    watch.begin(0, 0.0)
    request_case(run.folder, 3)
    clock.now += 1.0
    watch.after_step(0, 5, 1.0)

    assert places(run) == [(2, 0, 0), (3, 0, 5)]


@pytest.mark.parametrize("case", [1, 99])
def test_training_or_unknown_case_is_not_recorded(run, store, case):
    request_case(run.folder, case)
    watch = watching_trainer(run, store)
    watch.begin(0, 0.0)

    assert places(run) == [(2, 0, 0)]


def test_resume_does_not_repeat_an_existing_frame(run, store):
    for place in ((0, 0), (1, 0), (1, 5)):
        write_frame(run.folder, frame(epoch=place[0], step=place[1]))
    watching_trainer(run, store).begin(1, 9.0)

    assert places(run) == [(2, 0, 0), (2, 1, 0)]
    assert read_frames(run)[-1].elapsed_s == 1.5


def test_full_disk_loses_the_frame_only(run, store, monkeypatch, capsys):
    def full(path, content):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(watched_slide.atomic, "replace_file", full)
    watch = watching_trainer(run, store)
    watch.begin(0, 0.0)
    watch.after_epoch(1, 9.0, np.zeros(4, np.float32))

    assert places(run) == []
    assert "could not be written: [Errno 28] No space left" in capsys.readouterr().err
