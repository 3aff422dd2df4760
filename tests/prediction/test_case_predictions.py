"""idc.prediction.case_predictions: saved and fresh probabilities of the rows of a case."""

import json

import numpy as np
import pandas as pd
import pytest

from idc.datasets.store import PackReport, open_store
from idc.datasets.store_trash import delete_store
from idc.datasets.store_writer import Patch, StoreWriter
from idc.launch.start import create_run
from idc.patches import PatchName
from idc.prediction.case_predictions import (
    fresh_probabilities,
    saved_probabilities,
    trained_on_case,
)
from idc.runs.run import BUNDLED_RUN_ID, ENVIRONMENT_FILE, PREDICTIONS_FILE, open_run
from idc.runs.split import run_split, train_cases
from idc.settings.training_config import TrainingConfig
from tests.support.made_patches import tiny_store


@pytest.fixture
def store(home):
    """Five cases of four patches: case 1 has rows 0 to 3."""
    return tiny_store("tiny", cases=5, per_case=4)


@pytest.fixture
def run(store):
    """A run with unordered predictions for rows 1, 2 and 6."""
    run = create_run(TrainingConfig(data="tiny", patches=None))
    (run.folder / ENVIRONMENT_FILE).write_text(json.dumps({"data_sha256": store.fingerprint}))
    pd.DataFrame(
        {
            "row": np.array([6, 1, 2]),
            "probability": np.array([0.6, 0.1, 0.2], np.float32),
            "part": ["test", "validation", "validation"],
        }
    ).to_parquet(run.folder / PREDICTIONS_FILE, index=False)
    return run


def saved(run, store, rows):
    answers = saved_probabilities(run, store, np.array(rows))
    return [None if np.isnan(p) else round(float(p), 3) for p in answers]


def test_rows_get_saved_probability_or_nan(run, store):
    assert saved(run, store, [0, 1, 2, 3]) == [None, 0.1, 0.2, None]


def test_probabilities_of_both_parts_are_found_in_any_row_order(run, store):
    assert saved(run, store, [19, 6, 1]) == [None, 0.6, 0.1]


def test_run_without_predictions_gives_nan(run, store):
    (run.folder / PREDICTIONS_FILE).unlink()

    assert saved(run, store, [1, 2]) == [None, None]


def test_empty_predictions_give_nan(run, store):
    pd.read_parquet(run.folder / PREDICTIONS_FILE).iloc[:0].to_parquet(
        run.folder / PREDICTIONS_FILE
    )

    assert saved(run, store, [1]) == [None]


def test_rows_of_another_data_set_give_nan(run, store):
    assert saved(run, tiny_store("other", cases=5, per_case=4), [1, 2]) == [None, None]


def test_data_set_packed_again_gives_nan(run, store):
    delete_store("tiny")

    assert saved(run, tiny_store("tiny", cases=2, per_case=10), [1, 2]) == [None, None]


def test_training_cases_are_recognised(run, store):
    trained = {int(store.cases[row]) for row in run_split(run, store).train}

    assert {case for case in range(1, 6) if trained_on_case(run, case)} == trained
    assert 0 < len(trained) < 5


def test_training_cases_are_unknown_without_the_original_data_set(run, store):
    delete_store("tiny")
    assert trained_on_case(run, 1) is None

    tiny_store("tiny", cases=2, per_case=10)
    assert trained_on_case(run, 1) is None


def test_bundled_predictions_are_matched_by_name_and_calibrated(home):
    bundled = open_run(BUNDLED_RUN_ID)
    known = bundled.predictions().sort_values(["case", "y", "x"])
    case = int(known["case"].iloc[0])
    entry = known[known["case"] == case].iloc[0]
    pixels = np.zeros((50, 50, 3), np.uint8)
    with StoreWriter("mine", 2) as writer:
        for x in (int(entry["x"]), 900_001):
            name = PatchName(case, y=int(entry["y"]), x=x, label=int(entry["label"]))
            writer.add([Patch(name, pixels)])
        writer.finish(PackReport(sources=("made by hand",)))

    answers = saved_probabilities(bundled, open_store("mine"), np.array([0, 1]))

    expected = bundled.calibration().apply(np.array([entry["probability"]]))[0]
    assert answers[0] == pytest.approx(expected)
    assert expected != pytest.approx(entry["probability"])
    assert np.isnan(answers[1])


def test_bundled_training_cases_are_known_without_the_data_set(home):
    bundled = open_run(BUNDLED_RUN_ID)

    assert trained_on_case(bundled, int(train_cases(bundled)[0])) is True
    assert trained_on_case(bundled, int(bundled.predictions()["case"].iloc[0])) is False


@pytest.mark.slow  # the worker loads TensorFlow
def test_fresh_probabilities_equal_the_saved_ones(trained_run):
    store, progress = open_store("tiny"), []
    rows = np.arange(20, 40)

    fresh = fresh_probabilities(
        trained_run, store, rows, on_progress=lambda done, of: progress.append((done, of))
    )

    known = saved_probabilities(trained_run, store, rows)
    held_out = ~np.isnan(known)
    assert 0 < held_out.sum() < 20
    assert fresh[held_out] == pytest.approx(known[held_out], abs=1e-5)
    assert progress == [(20, 20)]
