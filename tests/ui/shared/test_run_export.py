"""Train and Evaluate offer a run as notebook, script and model file."""

import pytest

from idc.errors import RunError
from idc.export import export_job
from tests.support.app_pages import open_page
from tests.support.evaluated_run import evaluated_run
from tests.support.waiting import wait_until


@pytest.fixture(autouse=True)
def no_earlier_exports():
    export_job._jobs.clear()


def create(at, monkeypatch, export_files, kind="notebook"):
    """Choose a kind and create it; returns the page when it has ended."""
    monkeypatch.setattr(export_job, "export_files", export_files)
    at.selectbox(key="export_kind").set_value(kind).run()
    [button] = [button for button in at.button if button.label == "Create"]
    button.click().run()
    [job] = export_job._jobs.list_jobs()
    wait_until(lambda: not job.live, "the export has ended")
    return at.run()


@pytest.mark.parametrize("page", ["train", "evaluate"])
def test_created_files_are_offered(home, monkeypatch, page):
    run = evaluated_run()
    at = open_page(page)
    wanted = []

    def export_files(run, kind):
        wanted.append((run.id, kind))
        return {"model.onnx": b"1", "model.onnx.json": b"2"}

    at = create(at, monkeypatch, export_files, "onnx")

    assert wanted == [(run.id, "onnx")]
    labels = [button.proto.label for button in at.get("download_button")]
    assert {"model.onnx", "model.onnx.json"} <= set(labels)


def test_refusal_is_shown_as_a_sentence(home, monkeypatch):
    evaluated_run()
    at = open_page("evaluate")

    def export_files(run, kind):
        raise RunError("The weights are damaged on disk.")

    at = create(at, monkeypatch, export_files)

    assert [error.value for error in at.error] == ["The weights are damaged on disk."]


def test_bundled_model_is_offered_as_model_files_only(home):
    at = open_page("evaluate")

    assert at.selectbox(key="export_kind").options == [
        "Model for Keras",
        "Model as ONNX",
        "Model for LiteRT",
    ]
