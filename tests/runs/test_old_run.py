"""A run and a store written before the packages were moved, at commit 7a77611.

``tests/data/old_run`` is the run's folder without its TensorBoard files, ``model.keras`` and older
checkpoint. ``tests/data/old_store`` is the store's index and description; its pixels are those of
`tests.support.made_patches.tiny_store`.
"""

import os
import shutil
from pathlib import Path

import numpy as np
import pytest

from idc.__main__ import main
from idc.datasets.store import open_store
from idc.evaluation.results import saved_results
from idc.prediction.predictor import predict_patches
from idc.runs.checkpoint_files import list_checkpoints, read_checkpoint
from idc.runs.first_filters import read_first_filters
from idc.runs.run import check_same_data, list_runs, open_run
from idc.runs.watched_slide import read_frames
from idc.settings.json_file import read_settings_file, train_command, write_settings_file
from idc.settings.url_query import settings_from_query, settings_to_query
from tests.support.made_patches import tiny_store

DATA = Path(__file__).resolve().parents[1] / "data"
RUN_ID = "20261130-232347-yours-20c1"
PATCHES = 32


@pytest.fixture
def old_run(home):
    """The old run, in a home with its store."""
    tiny_store("tiny", cases=4, per_case=8)
    shutil.copytree(DATA / "old_store", home / "data" / "tiny", dirs_exist_ok=True)
    shutil.copytree(DATA / "old_run", home / "runs" / RUN_ID)
    return open_run(RUN_ID)


def test_old_run_is_listed_with_status_and_title(old_run):
    [run] = list_runs()

    assert (run.id, run.title) == (RUN_ID, "before the move")
    status = run.status()
    assert (status.state, status.epoch, status.epochs) == ("finished", 2, 2)
    assert run.best()["epoch"] == 2
    assert run.has_model()


def test_old_log_has_all_steps_and_epochs(old_run):
    log = old_run.log()

    assert [(step["epoch"], step["step"]) for step in log.steps] == [(1, 1), (1, 2), (2, 1), (2, 2)]
    assert log.best_epoch()["val_loss"] == pytest.approx(0.4916267)
    assert len(log.starts) == 1


def test_old_frames_filters_and_checkpoint_are_readable(old_run):
    assert [frame.position for frame in read_frames(old_run)] == [(0, 0), (1, 0), (2, 0)]
    assert read_first_filters(old_run.folder).kernels.shape == (3, 3, 3, 3, 4)
    [checkpoint] = list_checkpoints(old_run.folder)
    assert read_checkpoint(checkpoint)[0]["epoch"] == 2


def test_old_store_opens_with_the_fingerprint_of_the_run(old_run):
    store = open_store("tiny")

    check_same_data(old_run, store)
    assert len(store) == PATCHES
    assert store.fingerprint == old_run.environment()["data_sha256"]


def test_old_predictions_are_evaluated(old_run, capsys):
    results = saved_results(old_run)

    assert (results.part, len(results.y_prob)) == ("test", 8)
    assert main(["evaluate", RUN_ID]) == 0
    assert "balanced" in capsys.readouterr().out.lower()


def test_old_settings_have_the_same_file_url_and_command_forms(old_run):
    config = old_run.config

    assert read_settings_file((old_run.folder / "config.json").read_bytes()) == config
    assert read_settings_file(write_settings_file(config).encode()) == config
    assert train_command(config) == (
        "python -m idc train --data=tiny --preset=yours --architecture=1x1-w4-k3-max-d0-average "
        "--seed=3 --epochs=2 --batch-size=8 --early-stopping '--name=before the move'"
    )
    query = settings_to_query(config, PATCHES)
    assert query == {
        "preset": "yours",
        "architecture": "1x1-w4-k3-max-d0-average",
        "patches": "40000",
        "seed": "3",
        "epochs": "2",
        "batch_size": "8",
        "early_stopping": "true",
        "name": "before the move",
    }
    assert settings_from_query({name: [value] for name, value in query.items()}).problems == ()


def test_resume_command_of_an_old_run_becomes_its_trainer(old_run, monkeypatch):
    commands = []
    monkeypatch.setattr(os, "execve", lambda _path, words, _environ: commands.append(words[1:]))

    assert main(["resume", RUN_ID, "--more-epochs", "1"]) == 0

    assert commands == [["-m", "idc.training.trainer", RUN_ID, "--follow"]]
    assert (old_run.status().state, old_run.status().epochs) == ("starting", 3)


@pytest.mark.slow  # the worker loads TensorFlow
def test_old_weights_predict_what_the_trainer_saved(old_run):
    store, predictions = open_store("tiny"), old_run.predictions()
    rows = predictions["row"].to_numpy()

    y_prob = predict_patches(old_run, store.patches[rows])

    assert np.allclose(y_prob, predictions["probability"], atol=1e-4)
