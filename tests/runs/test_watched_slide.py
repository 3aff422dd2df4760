"""idc.runs.watched_slide: which case, what a frame holds, and when the trainer paints one."""

import dataclasses
import json

import numpy as np
import pytest
from idc.training.slide_recorder import SlideRecorder, worst_patches

from idc.datasets.place import place_of
from idc.datasets.splits import Split
from idc.launch.start import create_run
from idc.runs import watched_slide
from idc.runs.watched_slide import (
    Frame,
    default_case,
    drop_frames_after,
    held_out_cases,
    quantise_probabilities,
    read_frames,
    request_case,
    requested_case,
    write_frame,
)
from idc.settings.training_config import preset_config
from tests.support.made_patches import tiny_store


class Clock:
    """Time that passes when a test says so."""

    def __init__(self):
        self.now = 100.0

    def __call__(self):
        return self.now


@pytest.fixture
def store(home):
    """Three cases of four patches: 1 trains, 2 is the validation part, 3 the test part."""
    return tiny_store("tiny", cases=3, per_case=4)


@pytest.fixture
def run(store):
    return create_run(preset_config("fast", "tiny"))


def split_by_case(store):
    train, validation, test = (np.flatnonzero(store.cases == case) for case in (1, 2, 3))
    return Split("case-disjoint", 0, train, validation, test)


def frame(case=2, epoch=0, step=0, levels=b"\x00\x01\x02\x03"):
    return Frame(case, epoch, step, elapsed_s=1.5, levels=levels)


# Which case


def test_cases_of_which_a_patch_trains_are_not_held_out(store):
    split = split_by_case(store)
    assert held_out_cases(store, split).tolist() == [2, 3]

    one_of_three_trains = dataclasses.replace(split, train=np.append(split.train, 8))
    assert held_out_cases(store, one_of_three_trains).tolist() == [2]


def test_default_is_the_held_out_case_with_most_patches_of_its_rarer_class(home):
    from idc.datasets.store import PackReport, open_store
    from idc.datasets.store_writer import Patch, StoreWriter
    from idc.patches import PatchName

    labels = {1: [0, 1, 0, 1], 2: [0, 0, 0, 0], 3: [0, 1, 0, 0]}
    with StoreWriter("mixed", 12) as writer:
        for case, of_case in labels.items():
            writer.add(
                [
                    Patch(PatchName(case, 1 + 50 * i, 1, label), np.zeros((50, 50, 3), np.uint8))
                    for i, label in enumerate(of_case)
                ]
            )
        writer.finish(PackReport(sources=("test",)))
    store = open_store("mixed")

    assert default_case(store, split_by_case(store)) == 3


def test_complete_case_is_watched_before_one_with_gaps(home):
    from idc.patches import PatchName
    from tests.support.made_patches import store_of

    # Of the full data set, case 16534 has 21 + 42 patches and case 8863 has many more.
    labels = {1: [0, 1], 8863: [0, 1] * 60, 16534: [0] * 21 + [1] * 42}
    names = [
        PatchName(case=case, x=1 + 50 * i, y=1, label=label)
        for case, of_case in labels.items()
        for i, label in enumerate(of_case)
    ]
    store = store_of("mixed", names)
    train = np.flatnonzero(store.cases == 1)
    split = Split("case-disjoint", 0, train, np.empty(0, int), np.empty(0, int))

    assert default_case(store, split) == 16534


def test_random_split_has_no_case_to_watch(store):
    split = Split("random", 0, np.array([0, 4, 8]), np.array([1, 5]), np.array([2]))

    assert default_case(store, split) is None


def test_wish_is_kept_and_a_damaged_one_is_none(run):
    assert requested_case(run) is None
    request_case(run.folder, 3)
    assert requested_case(run) == 3
    for content in ("", "[]", '{"case": "3"}', '{"case": 3'):
        (run.folder / watched_slide.WATCH_FILE).write_text(content)
        assert requested_case(run) is None


# Frames


def test_levels_stay_on_their_side_of_the_threshold():
    y_prob = np.array([0.0, 0.499999, 0.5, 1.0, np.nan])
    read = frame(levels=quantise_probabilities(y_prob)).probabilities()

    assert (read[:4] >= 0.5).tolist() == [False, False, True, True]
    assert np.abs(read[:4] - y_prob[:4]).max() <= 1 / 254
    assert np.isnan(read[4])


def test_frames_are_read_in_training_time_and_damaged_ones_left_out(run):
    for place in ((1, 0), (0, 40), (0, 0), (10, 0)):
        write_frame(run.folder, frame(epoch=place[0], step=place[1]))
    (run.folder / "slide" / "00002-0000000-2.json").write_text('{"case": 2')

    frames = read_frames(run)
    assert [one.position for one in frames] == [(0, 0), (0, 40), (1, 0), (10, 0)]
    assert frames[1] == frame(epoch=0, step=40)


def test_going_on_from_an_epoch_drops_what_came_after(run):
    for place in ((0, 0), (0, 7), (1, 0), (1, 3), (2, 0)):
        write_frame(run.folder, frame(epoch=place[0], step=place[1]))
    drop_frames_after(run.folder, 1)

    assert [one.position for one in read_frames(run)] == [(0, 0), (0, 7), (1, 0)]


def test_very_long_runs_keep_every_other_frame(run, store, monkeypatch):
    monkeypatch.setattr("idc.training.slide_recorder.MOST_FRAMES", 4)
    watch = SlideRecorder(run, store, split_by_case(store), lambda rows: np.zeros(len(rows)))
    watch.begin(0, 0.0)
    for epoch in (1, 2, 3, 4):
        watch.after_epoch(epoch, float(epoch), np.zeros(4, np.float32))

    assert [one.epoch for one in read_frames(run)] == [0, 2, 4]


# When the trainer paints


def watching_trainer(run, store, clock=None, answer=None):
    split = split_by_case(store)
    answer = answer or (lambda rows: np.linspace(0, 1, len(rows)))
    return SlideRecorder(run, store, split, answer, clock or Clock())


def places(run):
    return [(one.case, *one.position) for one in read_frames(run)]


def test_untrained_network_is_the_first_frame_and_each_epoch_brings_one(run, store):
    watch = watching_trainer(run, store)
    watch.begin(0, 0.0)
    watch.after_epoch(1, 9.0, np.array([0.1, 0.2, 0.3, 0.9], np.float32))

    assert places(run) == [(2, 0, 0), (2, 1, 0)]
    last = read_frames(run)[-1]
    assert last.elapsed_s == 9.0
    assert last.levels == quantise_probabilities(np.array([0.1, 0.2, 0.3, 0.9], np.float32))


def test_answers_of_the_validation_part_are_not_asked_for_again(run, store):
    asked = []

    def answer(rows):
        asked.append(rows.tolist())
        return np.zeros(len(rows))

    watch = watching_trainer(run, store, answer=answer)
    watch.begin(0, 0.0)
    watch.after_epoch(1, 9.0, np.zeros(4, np.float32))
    assert asked == [[4, 5, 6, 7]]

    request_case(run.folder, 3)
    watch.after_epoch(2, 18.0, np.zeros(4, np.float32))
    assert asked[1:] == [[8, 9, 10, 11]]


def test_long_epoch_is_painted_every_few_seconds_and_seldomer_when_that_is_dear(run, store):
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


def test_another_case_is_painted_at_the_next_look(run, store):
    clock = Clock()
    watch = watching_trainer(run, store, clock)
    watch.begin(0, 0.0)
    request_case(run.folder, 3)
    clock.now += 1.0
    watch.after_step(0, 5, 1.0)

    assert places(run) == [(2, 0, 0), (3, 0, 5)]


@pytest.mark.parametrize("case", [1, 99])
def test_case_that_trains_or_is_not_there_is_not_shown(run, store, case):
    request_case(run.folder, case)
    watch = watching_trainer(run, store)
    watch.begin(0, 0.0)

    assert places(run) == [(2, 0, 0)]


def test_going_on_paints_no_frame_that_is_there_already(run, store):
    for place in ((0, 0), (1, 0), (1, 5)):
        write_frame(run.folder, frame(epoch=place[0], step=place[1]))
    watching_trainer(run, store).begin(1, 9.0)

    assert places(run) == [(2, 0, 0), (2, 1, 0)]
    assert read_frames(run)[-1].elapsed_s == 1.5


def test_full_disk_costs_a_frame_and_not_the_training(run, store, monkeypatch, capsys):
    def full(path, content):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(watched_slide.atomic, "replace_file", full)
    watch = watching_trainer(run, store)
    watch.begin(0, 0.0)
    watch.after_epoch(1, 9.0, np.zeros(4, np.float32))

    assert places(run) == []
    assert "could not be written: [Errno 28] No space left" in capsys.readouterr().err


# The most wrong


def test_worst_are_the_wrong_ones_farthest_from_their_label(store):
    rows = np.arange(4)
    labels = store.labels[rows]
    # one right answer, then wrong by 0.6, by 0.9, and by 0.5 at the threshold of a negative
    y_prob = np.where(labels == 1, [0.7, 0.4, 0.1, 0.45], [0.3, 0.6, 0.9, 0.5]).astype(np.float32)
    worst = worst_patches(store, rows, y_prob)

    assert [name for name, _ in worst] == [str(place_of(store, row)) for row in (2, 1, 3)]
    assert [value for _, value in worst] == pytest.approx(y_prob[[2, 1, 3]].tolist(), abs=1e-4)
    assert len(worst_patches(store, rows, y_prob, most=1)) == 1
    json.dumps(worst)
