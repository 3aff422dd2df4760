"""idc.shipped.recorded_runs: what comes with IDC Lab, and how the recorded runs become the
visitor's own."""

import json

import numpy as np
import pandas as pd
import pytest

from idc.datasets.full_set import published_cases
from idc.errors import RunError
from idc.evaluation.results import saved_results
from idc.files.atomic import file_sha256
from idc.launch.start import create_run, prepare_to_resume
from idc.metrics.scores import evaluate
from idc.prediction.predictor import default_model
from idc.runs.run import (
    BEST_FILE,
    BUNDLED_RUN_ID,
    CONFIG_FILE,
    ENVIRONMENT_FILE,
    PREDICTIONS_FILE,
    WEIGHTS_FILE,
    Run,
    RunStatus,
    check_same_data,
    list_runs,
    open_run,
)
from idc.runs.snapshot import current_snapshot, logged_duration_s
from idc.runs.split import held_out_rows, seen_cases, train_cases
from idc.runs.watched_slide import read_frames
from idc.settings.training_config import TrainingConfig, preset_config
from idc.shipped import recorded_runs
from idc.shipped.build_assets import MODEL_CARD_FILE
from idc.shipped.recorded_runs import RECORDED_DIR, install_recorded_runs
from tests.support.made_patches import tiny_store

MAX_BYTES = 5_000_000


@pytest.fixture
def recorded(monkeypatch, tmp_path):
    """One recorded run, "20261124-120000-fast-ab12", of three patches of the store "tiny"."""
    folder = tmp_path / "recorded" / "20261124-120000-fast-ab12"
    folder.mkdir(parents=True)
    monkeypatch.setattr(recorded_runs, "RECORDED_DIR", folder.parent)
    config = preset_config("fast", "elsewhere", protocol="random", name="recorded")
    (folder / CONFIG_FILE).write_text(json.dumps(config.to_json()))
    (folder / "status.json").write_text(json.dumps({"state": "finished", "epochs": 3, "epoch": 3}))
    (folder / ENVIRONMENT_FILE).write_text('{"shipped": true, "data_sha256": "another"}')
    named = {"case": [2, 1, 1], "x": [1, 51, 1], "y": [1, 1, 1], "label": [0, 1, 0]}
    answers = {"probability": np.array([0.2, 0.9, 0.1], np.float32), "part": "validation"}
    pd.DataFrame({**named, **answers}).to_parquet(folder / PREDICTIONS_FILE)
    return folder


# The bundled model


def test_bundled_model_matches_its_checksum_and_is_small():
    run = open_run(BUNDLED_RUN_ID)

    assert file_sha256(run.folder / WEIGHTS_FILE) == run.best()["sha256"]
    assert (run.folder / WEIGHTS_FILE).stat().st_size < 2_000_000
    assert sum(path.stat().st_size for path in run.folder.iterdir()) < MAX_BYTES
    assert run.status().state == "finished"
    assert run.shipped()


def test_model_card_scores_match_the_shipped_predictions():
    run = open_run(BUNDLED_RUN_ID)
    card = (run.folder / MODEL_CARD_FILE).read_text(encoding="utf-8")
    saved = run.predictions()
    raw = evaluate(saved["label"], saved["probability"])
    after = saved_results(run).report()

    assert run.best()["sha256"] in card
    assert f"| ROC AUC | {raw.roc_auc:.3f} | {after.roc_auc:.3f} |" in card
    assert (
        f"| balanced accuracy | {raw.balanced_accuracy:.3f} | {after.balanced_accuracy:.3f} |"
        in card
    )


def test_bundled_model_was_scored_on_published_validation_cases_only(home):
    run = open_run(BUNDLED_RUN_ID)
    named = run.predictions()

    assert set(named["part"]) == {"validation"}
    assert set(named["case"]) == published_cases()["validation"]
    assert not set(named["case"]) & set(train_cases(run).tolist())


def test_bundled_model_can_be_evaluated_without_its_data_set(home):
    results = saved_results(open_run(BUNDLED_RUN_ID))

    assert results.store is None
    assert (results.rows == -1).all()
    assert results.threshold == open_run(BUNDLED_RUN_ID).calibration().threshold
    assert len(results.cell("fn")) == results.report().confusion_matrix[1][0]


@pytest.mark.real
@pytest.mark.slow
def test_bundled_predictions_are_located_in_the_real_data_set(home, real_data):
    from idc.ingest.packing import pack

    tiny_store("another")
    pack([real_data / "idc_sampled_cases.zip", real_data / "idc_complete_cases.zip"], "real")
    results = saved_results(open_run(BUNDLED_RUN_ID))

    assert results.store is not None and results.store.name == "real"
    found = results.store.index.iloc[results.rows].reset_index(drop=True)
    assert found["x"].tolist() == results.patches["x"].tolist()
    assert np.array_equal(found["label"], results.y_true)
    assert seen_cases(open_run(BUNDLED_RUN_ID), results.store) == 201


def test_bundled_model_has_no_training_cases_in_other_data_sets(home):
    store = tiny_store("mine", cases=2, per_case=2)

    assert seen_cases(open_run(BUNDLED_RUN_ID), store) == 0
    assert held_out_rows(open_run(BUNDLED_RUN_ID), store).tolist() == [0, 1, 2, 3]


def test_bundled_model_cannot_be_resumed():
    with pytest.raises(RunError, match="came with IDC Lab, without its checkpoints"):
        prepare_to_resume(open_run(BUNDLED_RUN_ID))


def test_bundled_model_is_not_listed_as_a_run(home):
    assert list_runs() == []
    assert default_model().bundled


def test_own_model_precedes_the_bundled_one(home):
    own = create_run(preset_config("fast", "tiny"))
    for name in (WEIGHTS_FILE, BEST_FILE):
        (own.folder / name).write_text("{}")
    own.write_status(RunStatus(state="finished", epochs=1))

    assert default_model().id == own.id
    (own.folder / ENVIRONMENT_FILE).write_text('{"shipped": true}')
    assert default_model().bundled


# The recorded runs


def test_one_of_two_recorded_runs_can_predict():
    folders = [path.parent for path in sorted(RECORDED_DIR.glob(f"*/{CONFIG_FILE}"))]

    assert len(folders) == 2
    assert [(folder / WEIGHTS_FILE).exists() for folder in folders].count(True) == 1


def test_recorded_runs_contain_all_frames_and_stay_small():
    for path in sorted(RECORDED_DIR.glob(f"*/{CONFIG_FILE}")):
        run = Run(path.parent, TrainingConfig.from_json(json.loads(path.read_text())))
        frames = read_frames(run)
        places = [frame.position for frame in frames]
        assert places[0] == (0, 0)
        assert {(epoch, 0) for epoch in range(run.status().epoch + 1)} <= set(places)
        assert all(frame.levels != frames[0].levels for frame in frames[1:])
        assert logged_duration_s(current_snapshot(run)) > 0
        assert sum(file.stat().st_size for file in run.folder.rglob("*.json*")) < 200_000


def test_recorded_run_is_installed_on_the_demo_tissue(home, recorded):
    store = tiny_store("tiny", cases=2, per_case=3)

    assert install_recorded_runs(store) == [recorded.name]
    [run] = list_runs()
    assert (run.id, run.config.data, run.title) == (recorded.name, "tiny", "recorded")
    check_same_data(run, store)
    results = saved_results(run)
    assert results.rows.tolist() == [3, 1, 0]
    assert results.y_true.tolist() == [0, 1, 0]
    assert results.y_prob.tolist() == [np.float32(0.2), np.float32(0.9), np.float32(0.1)]


def test_existing_recorded_run_is_not_replaced(home, recorded):
    store = tiny_store("tiny", cases=2, per_case=3)
    install_recorded_runs(store)
    (home / "runs" / recorded.name / "mine.txt").write_text("a note")

    assert install_recorded_runs(store) == []
    assert (home / "runs" / recorded.name / "mine.txt").read_text() == "a note"


def test_recorded_run_of_other_patches_is_not_installed(home, recorded):
    assert install_recorded_runs(tiny_store("tiny", cases=1, per_case=3)) == []
    assert list_runs() == []
