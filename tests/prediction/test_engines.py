"""idc.prediction.engines: which process answers, and what happens when one fails."""

import os
import shutil
import signal
from pathlib import Path

import numpy as np
import pytest

from idc.errors import PredictionError
from idc.prediction import engines, light_models
from idc.prediction.light_models import needs_conversion
from idc.prediction.predictor import grad_cam, predict_patches, predict_with_features
from idc.runs.light_model import LIGHT_MODEL_FILE, read_record
from idc.runs.run import BUNDLED_RUN_ID, open_run

pytestmark = pytest.mark.slow  # the shared run is trained

PATCHES = np.random.default_rng(0).integers(0, 256, (3, 50, 50, 3), np.uint8)


@pytest.fixture
def keras(monkeypatch):
    """The requests that reach Keras, which answers 0.25 without being loaded."""
    kinds = []

    def ask(run, patches, kind):
        kinds.append(kind)
        return {"shape": [len(patches)]}, np.full(len(patches), 0.25, np.float32).tobytes()

    monkeypatch.setattr(engines, "_ask_keras", ask)
    return kinds


@pytest.fixture
def conversions(monkeypatch):
    """The runs whose file would be converted; none is."""
    runs = []
    monkeypatch.setattr(light_models, "_run_worker", lambda run: runs.append(run.id) or "no room")
    monkeypatch.setattr(light_models, "_failed", set())
    return runs


def test_light_engine_answers_all_that_needs_no_gradient(trained_run, keras):
    y_prob = predict_patches(trained_run, PATCHES)

    with_features = predict_with_features(trained_run, PATCHES)
    assert with_features.y_prob == pytest.approx(y_prob)
    assert with_features.features.shape == (3, 4)
    assert grad_cam(trained_run, PATCHES).shape == (3, 25, 25)
    assert keras == []


def test_worker_of_the_light_engine_loads_no_training_library(home):
    predict_patches(open_run(BUNDLED_RUN_ID), PATCHES)

    loaded = Path(f"/proc/{engines._light_worker().pid()}/maps").read_text(encoding="utf-8")
    assert "litert" in loaded
    assert "tensorflow/python" not in loaded and "h5py" not in loaded


def test_killed_worker_is_replaced_at_the_next_request(home):
    bundled = open_run(BUNDLED_RUN_ID)
    before = predict_patches(bundled, PATCHES)
    os.kill(engines._light_worker().pid(), signal.SIGKILL)

    for _ in range(2):  # the first may find the pipe broken
        try:
            after = predict_patches(bundled, PATCHES)
        except PredictionError as error:
            assert str(error).startswith("The prediction worker ended unexpectedly")

    assert (before == after).all()


def test_all_layers_are_answered_by_keras(trained_run, keras):
    engines.ask_model(trained_run, PATCHES[:1], "layers")

    assert keras == ["layers"]


def test_gpu_is_used_by_keras(trained_run, keras, monkeypatch):
    monkeypatch.setenv(engines.DEVICE_VARIABLE, "0")

    assert predict_patches(trained_run, PATCHES).tolist() == [0.25] * 3


def test_missing_runtime_leaves_the_answer_to_keras(trained_run, keras, monkeypatch):
    monkeypatch.setattr(light_models, "light_engine_installed", lambda: False)

    assert predict_patches(trained_run, PATCHES).tolist() == [0.25] * 3


def test_run_in_training_is_answered_by_keras_without_conversion(trained_run, keras, conversions):
    (trained_run.folder / LIGHT_MODEL_FILE).unlink()

    with trained_run.trainer_lock():
        predict_patches(trained_run, PATCHES)

    assert (keras, conversions) == (["probabilities"], [])


def test_failed_conversion_is_not_tried_again(trained_run, keras, conversions):
    (trained_run.folder / LIGHT_MODEL_FILE).unlink()

    for _ in range(2):
        predict_patches(trained_run, PATCHES)

    assert (keras, conversions) == (["probabilities"] * 2, [trained_run.id])


def test_foreign_file_is_removed_and_converted_again(trained_run, keras, conversions):
    path = trained_run.folder / LIGHT_MODEL_FILE
    shutil.copyfile(open_run(BUNDLED_RUN_ID).folder / LIGHT_MODEL_FILE, path)

    assert predict_patches(trained_run, PATCHES).tolist() == [0.25] * 3
    assert not path.exists()
    predict_patches(trained_run, PATCHES)
    assert conversions == [trained_run.id]


def test_run_without_file_and_tensorflow_says_what_to_install(trained_run, keras, monkeypatch):
    (trained_run.folder / LIGHT_MODEL_FILE).unlink()
    monkeypatch.setattr(light_models.importlib.util, "find_spec", lambda name: None)
    monkeypatch.setattr(light_models, "light_engine_installed", lambda: True)

    with pytest.raises(PredictionError, match=r"pip install -r requirements\.txt"):
        predict_patches(trained_run, PATCHES)


def test_file_of_an_older_run_is_converted_on_first_use(trained_run, home, keras):
    before = predict_patches(trained_run, PATCHES)
    assert not needs_conversion(trained_run)
    (trained_run.folder / LIGHT_MODEL_FILE).unlink()
    shutil.rmtree(home / "light_models")
    assert needs_conversion(trained_run)

    assert predict_patches(trained_run, PATCHES) == pytest.approx(before, abs=1e-6)
    assert read_record(trained_run).sha256
    assert keras == []
