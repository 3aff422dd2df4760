"""idc.runs.left_out_patches: marked patches do not train, the same ones each time."""

import json

import pytest

from idc.datasets.label_marks import Mark, remove_mark, save_mark
from idc.datasets.splits import make_split, split_note
from idc.datasets.store_trash import delete_store
from idc.errors import RunError, SplitError
from idc.launch.start import create_run
from idc.runs.left_out_patches import LEFT_OUT_FILE
from idc.runs.run import check_same_data, open_run
from idc.runs.split import run_split
from idc.settings.training_config import TrainingConfig
from tests.support.made_patches import tiny_store

SETTINGS = {"data": "tiny", "protocol": "random", "patches": None, "seed": 3}


@pytest.fixture
def store(home):
    return tiny_store("tiny", cases=4, per_case=10)


def mark_wrong(store, *rows):
    for row in rows:
        entry = store.index.iloc[row]
        save_mark(Mark("tiny", entry.case, entry.x, entry.y, entry.label, "wrong", "Ana"))


def test_marked_patches_are_scored_but_do_not_train(store):
    plain = make_split(store.index, "random", seed=3)
    trains, also, held_out = plain.train[2], plain.train[5], plain.test[0]
    mark_wrong(store, trains, also, held_out)

    split = run_split(create_run(TrainingConfig(**SETTINGS, leave_out_marked=True)), store)

    assert split.train.tolist() == [r for r in plain.train if r not in (trains, also)]
    assert split.validation.tolist() == plain.validation.tolist()
    assert split.test.tolist() == plain.test.tolist()
    assert split_note(split).endswith(
        "2 patches marked as wrongly labelled are left out of training."
    )


def test_record_holds_rows_with_case_and_coordinates(store):
    row = make_split(store.index, "random", seed=3).train[2]
    mark_wrong(store, row)

    run = create_run(TrainingConfig(**SETTINGS, leave_out_marked=True))

    entry = store.index.iloc[row]
    assert json.loads((run.folder / LEFT_OUT_FILE).read_text()) == {
        "data_sha256": store.fingerprint,
        "patches": [
            {
                "row": row,
                "case": entry.case,
                "x": entry.x,
                "y": entry.y,
                "label": entry.label,
            }
        ],
    }
    assert open_run(run.id).left_out().tolist() == [row]


def test_later_marks_do_not_affect_a_run_or_its_repeat(store):
    train = make_split(store.index, "random", seed=3).train
    mark_wrong(store, train[0])
    run = create_run(TrainingConfig(**SETTINGS, leave_out_marked=True))
    entry = store.index.iloc[train[0]]
    remove_mark("tiny", entry.case, entry.x, entry.y, "Ana")
    mark_wrong(store, train[1])

    again = create_run(run.config, left_out_from=run)
    new = create_run(run.config)

    assert run.left_out().tolist() == [train[0]]
    assert again.left_out().tolist() == [train[0]]
    assert new.left_out().tolist() == [train[1]]


def test_run_without_left_out_patches_has_no_record(home):
    run = create_run(TrainingConfig(data="absent"))

    assert not (run.folder / LEFT_OUT_FILE).exists()
    assert run.left_out().tolist() == []


def test_marks_covering_a_whole_class_are_rejected_before_creation(store):
    mark_wrong(store, *(row for row in range(40) if store.labels[row] == 1))

    with pytest.raises(SplitError, match="the train part holds no IDC-positive patch"):
        create_run(TrainingConfig(**SETTINGS, leave_out_marked=True))


@pytest.mark.parametrize("content", [None, "{", "[]", "{}", '{"patches": [5]}'])
def test_missing_or_damaged_record_raises_run_error(store, content):
    run = create_run(TrainingConfig(**SETTINGS, leave_out_marked=True))
    if content is None:
        (run.folder / LEFT_OUT_FILE).unlink()
    else:
        (run.folder / LEFT_OUT_FILE).write_text(content)

    with pytest.raises(RunError, match="is damaged on disk"):
        run.left_out()


def test_data_set_repacked_before_the_training_is_detected(store):
    run = create_run(TrainingConfig(**SETTINGS, leave_out_marked=True))
    check_same_data(run, store)
    delete_store("tiny")

    with pytest.raises(RunError, match="was packed again"):
        check_same_data(run, tiny_store("tiny", cases=2, per_case=10))
