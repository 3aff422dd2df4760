"""idc.runs.light_model: only files that this app wrote and compared are used."""

import json

import pytest

from idc.errors import PredictionError
from idc.networks import light_export
from idc.runs import light_model
from idc.runs.light_model import (
    LIGHT_MODEL_FILE,
    LightModelRecord,
    is_intact,
    light_model_problem,
    read_record,
    write_light_model,
)
from idc.runs.run import BUNDLED_RUN_ID, open_run

pytestmark = pytest.mark.slow  # imports TensorFlow


@pytest.fixture
def converted(monkeypatch):
    """How often a file was written: "network" instead of a real conversion."""
    contents = []

    def write(model, path, patches):
        contents.append(f"network {len(contents)}".encode())
        path.write_bytes(contents[-1])
        return 1e-7

    monkeypatch.setattr(light_export, "write_light_model", write)
    return contents


def test_trainer_writes_the_file_and_its_record(trained_run):
    record = read_record(trained_run)

    assert is_intact(trained_run, record)
    assert record.weights_sha256 == trained_run.best()["sha256"]
    assert 0 <= record.largest_difference < 1e-5
    assert record.problem == light_model_problem(trained_run) == ""


def test_bundled_model_has_its_file_and_record_in_the_package(home):
    bundled = open_run(BUNDLED_RUN_ID)

    assert is_intact(bundled, read_record(bundled))
    assert not (home / "light_models").exists()


def test_intact_file_is_not_written_again(trained_run, converted):
    before = read_record(trained_run)

    assert write_light_model(trained_run) == before
    assert converted == []


@pytest.mark.parametrize("content", [None, b"", b"foreign"])
def test_missing_damaged_or_foreign_file_is_written_again(trained_run, converted, content):
    path = trained_run.folder / LIGHT_MODEL_FILE
    path.unlink()
    if content is not None:
        path.write_bytes(content)
    assert not is_intact(trained_run, read_record(trained_run))

    record = write_light_model(trained_run)

    assert path.read_bytes() == b"network 0"
    assert is_intact(trained_run, record)


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"sha256": ""}'])
def test_damaged_record_counts_as_none(trained_run, home, content):
    (home / "light_models" / f"{trained_run.id}.json").write_bytes(content)

    assert read_record(trained_run) is None


def test_record_of_other_weights_counts_as_none(trained_run, home):
    path = home / "light_models" / f"{trained_run.id}.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "weights_sha256": "0" * 64}))

    assert read_record(trained_run) is None


def test_file_that_differs_from_keras_is_removed_with_a_note(trained_run, monkeypatch):
    (trained_run.folder / LIGHT_MODEL_FILE).unlink()

    def write(model, path, patches):
        path.write_bytes(b"network")
        return 2e-4

    monkeypatch.setattr(light_export, "write_light_model", write)

    record = write_light_model(trained_run)

    assert (record.sha256, record.largest_difference) == ("", 2e-4)
    assert not (trained_run.folder / LIGHT_MODEL_FILE).exists()
    assert light_model_problem(trained_run) == (
        "Keras answers, because the light engine's values differ from Keras' by 0.0002 on 64 "
        "patches."
    )


def test_file_that_cannot_be_loaded_is_recorded_with_its_reason(trained_run, monkeypatch):
    (trained_run.folder / LIGHT_MODEL_FILE).unlink()

    def write(model, path, patches):
        path.write_bytes(b"network")
        raise PredictionError("The light engine cannot load the model: no.")

    monkeypatch.setattr(light_export, "write_light_model", write)

    record = write_light_model(trained_run)

    assert record.problem == "The light engine cannot load the model: no."
    assert not (trained_run.folder / LIGHT_MODEL_FILE).exists()


def test_missing_runtime_is_named(trained_run, monkeypatch):
    monkeypatch.setattr(light_model, "light_engine_installed", lambda: False)

    assert light_model_problem(trained_run) == (
        "Keras answers, because the package ai-edge-litert is not installed."
    )


def test_record_without_a_file_to_use_is_intact(trained_run):
    assert is_intact(trained_run, LightModelRecord("weights", "", 1.0, "It differs."))
