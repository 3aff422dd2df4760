"""The shell's judging commands, in this process: none of them loads Keras."""

import csv
import io
import json

import numpy as np
import pandas as pd
import pytest

from idc.__main__ import main
from idc.cli import training_commands
from idc.datasets.label_marks import Mark, save_mark
from idc.launch.folds import list_folds
from idc.launch.start import create_run
from idc.runs.run import PREDICTIONS_FILE, RunStatus, list_runs
from idc.settings.training_config import preset_config
from tests.support.made_patches import tiny_store


@pytest.fixture
def store(home):
    return tiny_store("tiny", cases=4, per_case=10)


def scored_run(name, y_prob):
    run = create_run(preset_config("notebook", "tiny", epochs=1, name=name))
    pd.DataFrame(
        {"row": np.arange(len(y_prob)), "probability": np.float32(y_prob), "part": "test"}
    ).to_parquet(run.folder / PREDICTIONS_FILE)
    run.write_status(RunStatus(state="finished", epochs=1, epoch=1))
    return run


@pytest.fixture
def becomes(monkeypatch):
    """The runs that the shell would have trained."""
    ids = []
    monkeypatch.setattr(training_commands, "_exec_trainer", lambda run_id, *_: ids.append(run_id))
    return ids


def test_leakage_of_a_random_split_as_json(store, capsys):
    assert main(["leakage", "--data", "tiny", "--protocol", "random", "--seed", "5", "--json"]) == 0

    report = json.loads(capsys.readouterr().out)
    assert (report["data"], report["protocol"], report["seed"]) == ("tiny", "random", 5)
    assert report["sizes"] == {"train": 28, "validation": 6, "test": 6}
    assert report["leaks"] and report["adjacent"]["train-test"] > 0


def test_leakage_by_case_is_none(store, capsys):
    assert main(["leakage", "--data", "tiny"]) == 0

    out = capsys.readouterr().out
    assert "Neighbours on the slide" in out
    assert "No case is in two parts" in out


def test_leakage_of_a_runs_own_split(store, capsys):
    run = create_run(preset_config("notebook", "tiny", protocol="random", seed=5))

    assert main(["leakage", "--run", run.id, "--json"]) == 0

    report = json.loads(capsys.readouterr().out)
    assert (report["protocol"], report["seed"]) == ("random", 5)


def test_compare_prints_both_runs_and_their_difference(store, capsys):
    older, newer = scored_run("timid", [0.1] * 20), scored_run("good", [0.1, 0.9] * 10)

    assert main(["compare", older.id, newer.id]) == 0
    out = capsys.readouterr().out
    assert "All runs have scored the same 20 patches of 2 cases." in out
    assert "accuracy            1.000  +0.500 (+0.500 to +0.500)" in out
    assert "disagreements       10" in out

    assert main(["compare", older.id, newer.id, "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["runs"][1]["difference_to_first"]["accuracy"]["value"] == 0.5


def test_compare_of_one_run_is_refused(store, capsys):
    run = scored_run("alone", [0.1] * 20)

    assert main(["compare", run.id]) == 2
    assert capsys.readouterr().err == "idc: A comparison needs two or more different runs.\n"


def test_doubtful_labels_are_printed_as_csv(store, capsys):
    run = scored_run("made", [0.1, 0.9, 0.97, 0.8, 0.2, 0.05, 0.1, 0.9])

    assert main(["doubtful", run.id]) == 0

    printed = capsys.readouterr()
    rows = list(csv.DictReader(io.StringIO(printed.out)))
    assert [(row["x"], row["label"], row["probability"]) for row in rows] == [
        ("101", "0", "0.970000"),
        ("251", "1", "0.050000"),
    ]
    assert printed.err == "2 of 8 labels are doubtful.\n"


def test_marks_are_printed_as_csv(store, capsys):
    save_mark(Mark("tiny", case=1, x=51, y=1, label=1, verdict="wrong", reviewer="Ana"))

    assert main(["marks", "tiny"]) == 0

    [row] = csv.DictReader(io.StringIO(capsys.readouterr().out))
    assert (row["case"], row["x"], row["verdict"], row["reviewer"]) == ("1", "51", "wrong", "Ana")


def test_repeat_leaves_out_the_same_marked_patches_as_train(store, capsys, becomes):
    for x in (51, 151):
        save_mark(Mark("tiny", case=1, x=x, y=1, label=1, verdict="wrong", reviewer="Ana"))
    words = "train --data tiny --protocol random --leave-out-marked"
    assert main(words.split()) == 0
    [first] = list_runs()
    assert first.left_out().tolist() == [1, 3]
    assert "marked as wrongly labelled are left out of training" in capsys.readouterr().err

    save_mark(Mark("tiny", case=1, x=251, y=1, label=1, verdict="wrong", reviewer="Ana"))
    assert main(["repeat", first.id]) == 0

    second = next(run for run in list_runs() if run.id != first.id)
    assert second.config == first.config
    assert second.left_out().tolist() == [1, 3]
    assert becomes == [first.id, second.id]


def test_too_many_folds_are_refused(store, capsys):
    run = scored_run("made", [0.1] * 20)

    assert main(["folds", run.id, "--folds", "9"]) == 2
    assert capsys.readouterr().err.startswith("idc: 9 folds need at least 9 cases; there are 4.")
    assert list_folds() == []
