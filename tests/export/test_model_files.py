"""Model files answer as their run does, and say what they take and return."""

import dataclasses
import json

import keras
import numpy as np
import pytest

from idc.datasets.store import open_store
from idc.errors import ConfigError, PredictionError, RunError
from idc.export import model_file, packages
from idc.export.model_file import best_model, write_model_file
from idc.export.model_formats import FORMATS
from idc.files.atomic import file_sha256
from idc.launch.start import create_run
from idc.networks.inference import predict_probabilities
from idc.runs.run import BUNDLED_RUN_ID, open_run
from idc.settings.training_config import preset_config
from tests.export.made_runs import HOSTILE_CLASSES, run_with_weights, write_pets
from tests.support.disk_faults import install_fault
from tests.support.made_patches import tiny_store

pytestmark = pytest.mark.slow  # imports TensorFlow


@pytest.fixture(scope="module")
def pets_home(tmp_path_factory):
    """A home with one run on patches of 32 px with hostile names of classes."""
    folder = tmp_path_factory.mktemp("pets")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("IDC_HOME", str(folder))
        write_pets()
        settings = {"protocol": "as-given", "architecture": "2x1-w4-k3-average-d10-flatten"}
        run = run_with_weights("pets", "yours", **settings)
    return folder, run.id


@pytest.fixture
def pets(pets_home, monkeypatch):
    folder, run_id = pets_home
    monkeypatch.setenv("IDC_HOME", str(folder))
    return open_run(run_id)


def out(tmp_path, kind):
    return tmp_path / f"model{FORMATS[kind].suffix}"


@pytest.mark.parametrize("kind", FORMATS)
def test_file_of_another_side_answers_as_its_run_and_is_described(pets, tmp_path, kind):
    path = out(tmp_path, kind)

    write_model_file(pets, kind, path, licence="mit")

    patches = open_store("pets").patches[:7]
    answers = FORMATS[kind].open(path).answer(np.asarray(patches))
    assert answers.shape == (7, 2)
    assert np.abs(answers[:, 1] - predict_probabilities(best_model(pets), patches)).max() < 1e-4
    assert np.abs(answers.sum(axis=1) - 1).max() < 1e-5
    about = json.loads((tmp_path / f"{path.name}.json").read_text())
    assert about["input"]["shape"] == ["batch", 32, 32, 3]
    assert (about["input"]["dtype"], about["input"]["channels"]) == ("uint8", "RGB")
    assert (about["input"]["side_px"], about["input"]["mpp_um"]) == (32, None)
    assert about["output"]["classes"] == list(HOSTILE_CLASSES)
    assert (about["threshold"], about["temperature"]) == (0.5, 1.0)
    assert about["model_sha256"] == pets.best()["model_sha256"]
    assert about["file_sha256"] == file_sha256(path)
    assert about["licence"] == "mit"
    assert about["check"]["patches"] == 64
    assert about["check"]["largest_difference"] <= about["check"]["tolerance"] == 1e-4
    assert about["check"]["source"] == "held-out patches of the run's data set"
    assert about["eight_views"].startswith("Not part of the file.")


def test_bundled_model_is_checked_without_its_data_set(home, tmp_path):
    description = write_model_file(open_run(BUNDLED_RUN_ID), "keras", out(tmp_path, "keras"))

    assert description["check"]["source"].startswith("random pixels")
    assert description["input"]["mpp_um"] == 4.0
    assert description["temperature"] != 1.0
    assert description["model_sha256"] == open_run(BUNDLED_RUN_ID).best()["model_sha256"]


def test_file_that_answers_otherwise_is_not_written(pets, tmp_path, monkeypatch):
    made = FORMATS["keras"]

    def open_slightly_wrong(path):
        opened = made.open(path)
        return dataclasses.replace(opened, answer=lambda patches: opened.answer(patches) + 2e-4)

    wrong = dataclasses.replace(made, open=open_slightly_wrong)
    monkeypatch.setattr(model_file, "FORMATS", {"keras": wrong})

    with pytest.raises(PredictionError, match=r"differ from the run's by up to 0\.0002 on 64"):
        write_model_file(pets, "keras", out(tmp_path, "keras"))

    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("fault", ["ENOSPC 1", "ENOSPC 2", "EIO 1+"])
def test_full_disk_leaves_neither_file(pets, tmp_path, monkeypatch, fault):
    install_fault(fault, monkeypatch.setattr)

    with pytest.raises(OSError):
        write_model_file(pets, "keras", out(tmp_path, "keras"))

    assert list(tmp_path.iterdir()) == []


def test_name_with_another_suffix_is_refused(pets, tmp_path):
    with pytest.raises(ConfigError, match=r"ends in \.onnx\. Received: 'model\.pb'"):
        write_model_file(pets, "onnx", tmp_path / "model.pb")


def test_missing_package_says_what_to_install(pets, tmp_path, monkeypatch):
    monkeypatch.setattr(packages, "find_spec", lambda name: None)

    with pytest.raises(ConfigError) as caught:
        write_model_file(pets, "onnx", out(tmp_path, "onnx"))

    assert str(caught.value) == (
        "The format onnx needs tf2onnx and onnx and onnxruntime, not installed here; install "
        "with: pip install -r requirements-export.txt"
    )


def test_keras_on_jax_is_refused_in_one_sentence(pets, tmp_path, monkeypatch):
    monkeypatch.setattr(keras.backend, "backend", lambda: "jax")

    with pytest.raises(ConfigError, match="unset KERAS_BACKEND and export again"):
        write_model_file(pets, "onnx", out(tmp_path, "onnx"))


def test_run_without_a_finished_epoch_is_named(home, tmp_path):
    tiny_store("tiny")
    run = create_run(preset_config("fast", "tiny", protocol="random"))

    with pytest.raises(RunError, match="no finished epoch yet"):
        write_model_file(run, "keras", out(tmp_path, "keras"))


def test_damaged_weights_are_named(home, tmp_path):
    tiny_store("tiny")
    run = run_with_weights(protocol="random")
    path = run.folder / "best.weights.h5"
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)

    with pytest.raises(PredictionError, match="are damaged on disk"):
        write_model_file(run, "keras", out(tmp_path, "keras"))

    assert list(tmp_path.iterdir()) == []
