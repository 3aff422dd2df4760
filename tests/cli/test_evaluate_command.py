"""``python -m idc evaluate``, in this process: what it prints and writes."""

import json

import numpy as np
import pandas as pd
import pytest

from idc.__main__ import main
from idc.datasets.store_trash import delete_store
from tests.support.evaluated_run import evaluated_run
from tests.support.made_patches import tiny_store


@pytest.fixture
def run(home):
    return evaluated_run(cases=5)


def test_json_contains_scores_and_intervals(run, capsys):
    assert main(["evaluate", run.id, "--json"]) == 0

    found = json.loads(capsys.readouterr().out)
    promised = {"run", "preset", "protocol", "data", "part", "n", "threshold", "confusion_matrix"}
    promised |= {"accuracy", "balanced_accuracy", "sensitivity", "specificity", "precision", "f1"}
    promised |= {"roc_auc", "average_precision", "log_loss", "majority_accuracy"}
    assert promised <= found.keys()
    accuracy = found["intervals"]["accuracy"]
    assert accuracy["value"] == found["accuracy"] == 0.7
    assert accuracy["low"] < 0.7 < accuracy["high"]


def test_scores_are_printed_with_intervals_and_the_accuracy_with_its_baseline(run, capsys):
    main(["evaluate", run.id])

    printed = capsys.readouterr().out
    assert "always predicting 'negative' would score 0.500" in printed
    assert "95 %:" in printed


def test_one_case_has_no_interval_in_print(home, capsys):
    main(["evaluate", evaluated_run().id])

    assert "no interval: there is only one case" in capsys.readouterr().out


def test_scores_of_one_class_say_what_is_undefined(home, capsys):
    run = evaluated_run(validation={0: 0.1, 2: 0.7, 4: 0.2})  # even rows are negative

    assert main(["evaluate", run.id]) == 0

    assert capsys.readouterr().err == (
        "All 3 patches are labelled negative, so sensitivity, balanced accuracy and ROC AUC "
        "are undefined.\n"
    )


def test_report_and_predictions_are_written(run, tmp_path, capsys):
    report, table = tmp_path / "out.html", tmp_path / "table.csv"

    arguments = ["evaluate", run.id, "--report", str(report), "--predictions", str(table)]
    assert main([*arguments, "--threshold", "0.75"]) == 0

    assert report.read_text(encoding="utf-8").startswith("<!doctype html>")
    assert "0.75 (IDC-positive from this probability on)" in report.read_text(encoding="utf-8")
    assert pd.read_csv(table)["y_pred"].sum() == 3


def test_unwritable_report_is_refused(run, tmp_path, capsys):
    assert main(["evaluate", run.id, "--report", str(tmp_path / "no" / "out.html")]) == 2

    assert "cannot be written" in capsys.readouterr().err


@pytest.fixture
def unsure(monkeypatch):
    """A model that answers 0.5 whatever it sees."""
    monkeypatch.setattr(
        "idc.evaluation.results.predict_patches",
        lambda run, patches, **how: np.full(len(patches), 0.5, "f4"),
    )


def test_json_lists_cases_that_the_run_trained_on(run, unsure, capsys):
    assert main(["evaluate", run.id, "--data", "tiny", "--json"]) == 0

    printed = capsys.readouterr()
    seen = json.loads(printed.out)["seen_cases"]
    assert seen > 0
    assert (
        f"the run trained on {seen} of these 15 cases; scores on them are too high." in printed.err
    )


def test_data_set_of_new_cases_prints_no_warning(run, unsure, capsys):
    tiny_store("other", cases=2, per_case=5, first_case=70)

    main(["evaluate", run.id, "--data", "other", "--json"])

    printed = capsys.readouterr()
    assert json.loads(printed.out)["seen_cases"] == 0
    assert "Warning" not in printed.err


def test_run_without_its_data_set_scores_another_with_a_warning(run, unsure, capsys):
    tiny_store("other", cases=2, per_case=5)
    delete_store("tiny")

    assert main(["evaluate", run.id, "--data", "other", "--json"]) == 0

    printed = capsys.readouterr()
    assert json.loads(printed.out)["seen_cases"] is None
    assert "it is unknown whether the run trained on some" in printed.err


def test_another_data_set_with_a_changed_pixel_is_refused(run, unsure, home, capsys):
    path = home / "data" / "tiny" / "patches.npy"
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)

    assert main(["evaluate", run.id, "--data", "tiny", "--json"]) == 2

    printed = capsys.readouterr()
    assert printed.out == ""
    assert "The data set 'tiny' is damaged on disk; pack it again" in printed.err
