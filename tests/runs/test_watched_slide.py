"""idc.runs.watched_slide: the choice of the case, and the frames on disk."""

import dataclasses

import numpy as np
import pytest

from idc.datasets.splits import Split
from idc.launch.start import create_run
from idc.runs import watched_slide
from idc.runs.watched_slide import (
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
from tests.support.watched_slides import frame, split_by_case, three_case_store


@pytest.fixture
def store(home):
    return three_case_store()


@pytest.fixture
def run(store):
    return create_run(preset_config("fast", "tiny"))


# Which case


def test_cases_with_training_patches_are_not_held_out(store):
    split = split_by_case(store)
    assert held_out_cases(store, split).tolist() == [2, 3]

    one_of_three_trains = dataclasses.replace(split, train=np.append(split.train, 8))
    assert held_out_cases(store, one_of_three_trains).tolist() == [2]


def test_default_case_has_most_patches_of_its_rarer_class(home):
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


def test_complete_case_is_preferred_as_default(home):
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


def test_damaged_case_request_is_ignored(run):
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


def test_frames_are_ordered_and_damaged_ones_skipped(run):
    for place in ((1, 0), (0, 40), (0, 0), (10, 0)):
        write_frame(run.folder, frame(epoch=place[0], step=place[1]))
    (run.folder / "slide" / "00002-0000000-2.json").write_text('{"case": 2')

    frames = read_frames(run)
    assert [one.position for one in frames] == [(0, 0), (0, 40), (1, 0), (10, 0)]
    assert frames[1] == frame(epoch=0, step=40)


def test_resume_deletes_superseded_frames(run):
    for place in ((0, 0), (0, 7), (1, 0), (1, 3), (2, 0)):
        write_frame(run.folder, frame(epoch=place[0], step=place[1]))
    drop_frames_after(run.folder, 1)

    assert [one.position for one in read_frames(run)] == [(0, 0), (0, 7), (1, 0)]
