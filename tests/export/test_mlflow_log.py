"""A run in MLflow's local stores: settings, curves, scores, report and model."""

import keras
import numpy as np
import pytest
from mlflow import MlflowClient

from idc.datasets.store import open_store
from idc.errors import ConfigError, RunError
from idc.evaluation.results import saved_results
from idc.export import packages
from idc.export.mlflow_log import check_uri, log_to_mlflow
from idc.runs.notes import RunNotes, write_notes
from tests.export.made_runs import run_with_weights, write_pets

pytestmark = pytest.mark.slow  # imports TensorFlow


@pytest.fixture(scope="module")
def logged(tmp_path_factory):
    """(run, client, MLflow's run) of a run in a SQLite store."""
    folder = tmp_path_factory.mktemp("mlflow")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("IDC_HOME", str(folder))
        patch.chdir(folder)
        write_pets()
        settings = {"protocol": "as-given", "architecture": "2x1-w4-k3-average-d10-flatten"}
        run = run_with_weights("pets", "yours", **settings)
        write_notes(run.folder, RunNotes('a"""\n<b>', "line 1\nline 2"))
        uri = f"sqlite:///{folder}/runs.db"
        client = MlflowClient(tracking_uri=uri)
        yield run, client, client.get_run(log_to_mlflow(run, uri)), uri


def test_settings_curves_and_scores_are_logged(logged):
    run, client, found, _ = logged

    assert found.info.status == "FINISHED"
    assert found.info.run_name == 'a"""\n<b>'
    assert found.data.params["batch_size"] == "8"
    assert set(found.data.params) == set(run.config.to_json())
    assert found.data.tags["idc.model_sha256"] == run.best()["model_sha256"]
    assert found.data.tags["mlflow.note.content"] == "line 1\nline 2"
    [point] = client.get_metric_history(found.info.run_id, "val_roc_auc")
    assert (point.value, point.step) == (0.5, 1)
    assert found.data.metrics["test_roc_auc"] == pytest.approx(saved_results(run).report().roc_auc)


def test_report_and_model_are_artifacts(logged):
    run, client, found, _ = logged
    folder = client.download_artifacts(found.info.run_id, "")

    model = keras.saving.load_model(f"{folder}/model/data/model.keras")
    rows = run.predictions()["row"].to_numpy()[:8]
    answers = model.predict_on_batch(open_store("pets").patches[rows])[:, 1]
    assert np.abs(answers - run.predictions()["probability"].to_numpy()[:8]).max() < 1e-5
    names = {path.path for path in client.list_artifacts(found.info.run_id)}
    assert names == {"report.html", "model", "files"}


def test_second_run_joins_the_experiment(logged, tmp_path):
    run, client, found, uri = logged

    again = client.get_run(log_to_mlflow(run, uri))

    assert again.info.experiment_id == found.info.experiment_id
    assert again.info.run_id != found.info.run_id


def test_folder_of_files_is_a_store_too(logged, tmp_path):
    run, *_ = logged
    uri = (tmp_path / "mlruns").as_uri()

    mlflow_id = log_to_mlflow(run, uri)

    assert MlflowClient(tracking_uri=uri).get_run(mlflow_id).info.status == "FINISHED"


def test_store_that_cannot_be_used_hides_its_password(logged, tmp_path):
    run, *_ = logged
    (tmp_path / "file").write_text("")

    with pytest.raises(RunError, match="The MLflow store cannot be used: ") as caught:
        log_to_mlflow(run, f"sqlite:///{tmp_path}/file/runs.db")
    with pytest.raises(ConfigError, match="Received: 'ftp://host/x'"):
        check_uri("ftp://me:s3cret@host/x")

    assert "s3cret" not in str(caught.value)


def test_missing_package_says_what_to_install(logged, monkeypatch):
    run, *_ = logged
    monkeypatch.setattr(packages, "find_spec", lambda name: None)

    with pytest.raises(ConfigError, match="--mlflow needs mlflow, not installed here"):
        log_to_mlflow(run, "file:///x")
