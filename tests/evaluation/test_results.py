"""idc.evaluation.results: saved predictions, joined with their patches."""

import json

import numpy as np
import pandas as pd
import pytest

from idc.datasets.splits import make_split
from idc.datasets.store_trash import delete_store
from idc.errors import DataError, RunError
from idc.evaluation.results import results_of, saved_parts, saved_results
from idc.launch.start import create_run
from idc.runs.run import ENVIRONMENT_FILE, PREDICTIONS_FILE
from idc.runs.split import held_out_rows, run_split, seen_cases, train_cases, training_overlap_note
from idc.settings.training_config import TrainingConfig
from tests.support.made_patches import tiny_store


@pytest.fixture
def store(home):
    """Five cases of four patches: rows 0 to 19, labels 0, 1, 0, 1, ..."""
    return tiny_store("tiny", cases=5, per_case=4)


@pytest.fixture
def run(store):
    """A run whose predictions are written by hand."""
    run = create_run(TrainingConfig(data="tiny", patches=None, name="by hand"))
    trained_on = {"data_sha256": store.fingerprint}
    (run.folder / ENVIRONMENT_FILE).write_text(json.dumps(trained_on))
    save(run, test={4: 0.2, 5: 0.9}, validation={0: 0.6, 1: 0.4, 2: 0.1})
    return run


def save(run, **parts):
    """Write predictions: part -> {row: probability}."""
    table = pd.DataFrame(
        [(row, p, part) for part, y_prob in parts.items() for row, p in y_prob.items()],
        columns=["row", "probability", "part"],
    ).astype({"row": "int64", "probability": "float32", "part": "str"})
    table.to_parquet(run.folder / PREDICTIONS_FILE, index=False)


def first_rows(store, y_prob):
    """Results for the first rows of a store."""
    return results_of(store, "all", np.arange(len(y_prob)), np.array(y_prob, np.float32))


# Saved predictions


def test_test_part_is_the_default(run):
    results = saved_results(run)

    assert saved_parts(run) == ["test", "validation"]
    assert results.part == "test"
    assert results.rows.tolist() == [4, 5]
    assert results.y_true.tolist() == [0, 1]
    assert results.y_prob.tolist() == [np.float32(0.2), np.float32(0.9)]


def test_other_part_is_returned_on_request(run):
    results = saved_results(run, "validation")

    assert (results.part, results.rows.tolist()) == ("validation", [0, 1, 2])
    assert results.y_true.tolist() == [0, 1, 0]


def test_validation_is_the_default_without_a_test_part(run):
    save(run, validation={0: 0.6})

    assert saved_parts(run) == ["validation"]
    assert saved_results(run).part == "validation"


def test_error_for_a_missing_part_names_the_others(run):
    save(run, validation={0: 0.6})

    with pytest.raises(RunError) as refusal:
        saved_results(run, "test")

    assert str(refusal.value) == (
        "The run 'by hand' has no predictions for its test part; it has for: validation."
    )


def test_empty_predictions_raise_an_error(run):
    save(run)

    with pytest.raises(RunError, match=r"The run 'by hand' has no predictions for its test part\."):
        saved_results(run)


def test_run_without_predictions_raises_an_error(run):
    (run.folder / PREDICTIONS_FILE).unlink()

    with pytest.raises(RunError, match="has no finished epoch yet"):
        saved_results(run)


@pytest.mark.parametrize(
    ("cases", "per_case"),
    [(4, 5), (2, 10)],
    ids=["other pixels", "the same pixels as other cases"],
)
def test_repacked_data_set_of_equal_size_is_detected(run, cases, per_case):
    delete_store("tiny")
    tiny_store("tiny", cases=cases, per_case=per_case)

    with pytest.raises(RunError) as refusal:
        saved_results(run)

    assert str(refusal.value) == (
        "The data set 'tiny' was packed again after the run 'by hand' trained on it, so its "
        "patches are no longer the same; train again."
    )


def test_data_set_repacked_with_equal_patches_is_accepted(run):
    delete_store("tiny")
    tiny_store("tiny", cases=5, per_case=4)

    assert saved_results(run).rows.tolist() == [4, 5]


def test_missing_data_set_raises_an_error(run):
    delete_store("tiny")

    with pytest.raises(DataError, match="There is no data set named 'tiny'"):
        saved_results(run)


# Scores and their patches


def test_report_scores_the_saved_probabilities(run):
    report = saved_results(run, "validation").report(0.5)

    assert report.confusion_matrix == ((1, 1), (1, 0))
    assert report.n == 3


def test_report_uses_the_requested_threshold(run):
    assert saved_results(run, "validation").report(0.4).confusion_matrix == ((1, 1), (0, 1))


@pytest.mark.parametrize(
    ("cell", "rows"),
    [
        ("tn", [6, 2]),  # rows 0, 2, 4, 6 are IDC-negative: 0.7, 0.4, 0.9, 0.1
        ("fp", [4, 0]),
        ("fn", [5, 1]),  # rows 1, 3, 5, 7 are IDC-positive: 0.3, 0.6, 0.2, 1.0
        ("tp", [7, 3]),
    ],
)
def test_cell_lists_its_patches_most_certain_first(store, cell, rows):
    results = first_rows(store, [0.7, 0.3, 0.4, 0.6, 0.9, 0.2, 0.1, 1.0])

    assert results.cell(cell)["row"].tolist() == rows


def test_cell_lists_place_label_and_probability(store):
    results = first_rows(store, [0.1, 0.2, 0.3, 0.2, 0.4, 0.8])

    table = results.cell("fn")

    assert table.columns.tolist() == ["case", "x", "y", "label", "row", "probability"]
    assert table.drop(columns="probability").values.tolist() == [
        [1, 51, 1, 1, 1],
        [1, 151, 1, 1, 3],
    ]
    assert table["probability"].tolist() == [np.float32(0.2)] * 2


def test_cell_rows_are_rows_of_the_store(run):
    assert saved_results(run, "test").cell("tp")["row"].tolist() == [5]


def test_equally_certain_patches_stay_in_the_order_of_the_slide(home):
    store = tiny_store("large", cases=5, per_case=20)

    assert first_rows(store, [0.5] * 100).cell("fp")["row"].tolist() == list(range(0, 100, 2))


def test_empty_cell_is_an_empty_table(store):
    table = first_rows(store, [0.1, 0.9]).cell("fp")

    assert len(table) == 0
    assert "probability" in table.columns


@pytest.mark.parametrize("threshold", [0.0, 0.3, 0.7, 1.0])
def test_cell_sizes_equal_the_matrix_counts(store, threshold):
    results = first_rows(store, [0.7, 0.3, 0.7, 0.3, 0.3, 0.7, 0.0, 1.0, 1.0, 0.0])

    (tn, fp), (fn, tp) = results.report(threshold).confusion_matrix

    sizes = {name: len(results.cell(name, threshold)) for name in ("tn", "fp", "fn", "tp")}
    assert sizes == {"tn": tn, "fp": fp, "fn": fn, "tp": tp}


# The run's split


def test_split_of_a_run_is_rebuilt_from_its_settings(store):
    config = TrainingConfig(data="tiny", protocol="random", seed=7, patches=16)

    split = run_split(create_run(config), store)

    again = make_split(store.index, "random", seed=7, patches=16)
    assert split.train.tolist() == again.train.tolist()
    assert split.test.tolist() == again.test.tolist()


def test_cases_that_the_run_trained_on_are_counted_in_another_store(run):
    trained = set(run_split(run, tiny_store("copy", cases=5, per_case=4)).train // 4 + 1)
    overlapping = tiny_store("other", cases=5, per_case=2, first_case=4)  # cases 4 to 8

    assert seen_cases(run, overlapping) == len(trained & {4, 5, 6, 7, 8})


def test_store_of_new_cases_has_no_seen_cases(run):
    assert seen_cases(run, tiny_store("new", cases=3, per_case=2, first_case=100)) == 0


def test_repacked_data_set_raises_an_error_for_train_and_held_out(run):
    delete_store("tiny")
    repacked = tiny_store("tiny", cases=7, per_case=4)

    with pytest.raises(RunError, match="was packed again after"):
        train_cases(run)
    with pytest.raises(RunError, match="was packed again after"):
        held_out_rows(run, repacked)
    with pytest.raises(RunError, match="was packed again after"):
        held_out_rows(run, tiny_store("other", cases=3, per_case=2))


def test_seen_cases_is_none_for_a_missing_data_set(run):
    other = tiny_store("other", cases=3, per_case=2)
    delete_store("tiny")

    assert seen_cases(run, other) is None
    assert "is unknown whether" in training_overlap_note(run, other)
