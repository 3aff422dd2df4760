"""A run as a run of MLflow: settings, curves, scores, report and model."""

import os
import re
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from idc import __version__
from idc.errors import ConfigError, RunError
from idc.evaluation.results import Results, saved_results
from idc.export.model_file import NO_LICENCE, best_model, write_model_file
from idc.export.packages import require_packages
from idc.report.document import report_html
from idc.runs.run import Run

_SQLITE = "sqlite:///"
_CURVES = ("loss", "accuracy", "val_loss", "val_accuracy", "val_balanced_accuracy", "val_roc_auc")
_SCORES = (
    "accuracy",
    "balanced_accuracy",
    "sensitivity",
    "specificity",
    "precision",
    "f1",
    "roc_auc",
    "average_precision",
    "log_loss",
)


def log_to_mlflow(run: Run, uri: str, *, licence: str = NO_LICENCE) -> str:
    """Log a run to a tracking store, as a run of the experiment ``idc-lab-NAME`` of its data set.

    Report and model are made before the store is touched. If logging breaks off, MLflow's run is
    marked as failed.

    Args:
        uri: of MLflow: a server (http, https), ``sqlite:///file.db``, or ``file:///folder``.

    Returns:
        the id of MLflow's run.

    Raises:
        ConfigError: a package is missing, or the address is none that MLflow knows.
        IdcError: weights, predictions or data are missing or damaged.
        RunError: the store cannot be used.
    """
    modules = ("sqlalchemy", "alembic") if uri.startswith("sqlite") else ()
    require_packages("--mlflow", "mlflow", *modules)
    # MLflow asks for this consent to its older store of plain files.
    os.environ.setdefault("MLFLOW_ALLOW_FILE_STORE", "true")
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    results = saved_results(run)
    with tempfile.TemporaryDirectory() as folder:
        artifacts = Path(folder)
        _write_artifacts(run, results, artifacts, licence)
        return _log(run, results, artifacts, uri)


def _write_artifacts(run: Run, results: Results, folder: Path, licence: str) -> None:
    import mlflow.keras

    (folder / "report.html").write_text(
        report_html(run, results, results.threshold), encoding="utf-8"
    )
    (folder / "files").mkdir()
    write_model_file(run, "keras", folder / "files" / "model.keras", licence=licence)
    packages = [f"keras=={run.environment().get('keras', '')}".rstrip("="), "tensorflow"]
    mlflow.keras.save_model(best_model(run), str(folder / "model"), pip_requirements=packages)


def _log(run: Run, results: Results, artifacts: Path, uri: str) -> str:
    from mlflow import MlflowClient
    from mlflow.exceptions import MlflowException

    try:
        client = MlflowClient(tracking_uri=uri)
        experiment = _experiment(client, f"idc-lab-{run.config.data}", uri)
        started = client.create_run(experiment, run_name=run.title, tags=_tags(run))
        mlflow_id = str(started.info.run_id)
        try:
            client.log_batch(
                mlflow_id, metrics=list(_metrics(run, results)), params=list(_params(run))
            )
            client.log_artifacts(mlflow_id, str(artifacts))
        except BaseException:
            client.set_terminated(mlflow_id, "FAILED")
            raise
        client.set_terminated(mlflow_id)
    except (MlflowException, OSError) as error:
        reason = _without_credentials(" ".join(str(error).split()))[:200]
        raise RunError(f"The MLflow store cannot be used: {reason}") from error
    return mlflow_id


def _experiment(client: Any, name: str, uri: str) -> str:
    if (found := client.get_experiment_by_name(name)) is not None:
        return str(found.experiment_id)
    location = None
    if uri.startswith(_SQLITE):  # by default the artifacts would land in the working folder
        folder = Path(uri.removeprefix(_SQLITE)).absolute().parent / "mlartifacts"
        location = folder.as_uri()
    return str(client.create_experiment(name, artifact_location=location))


def _tags(run: Run) -> dict[str, str]:
    return {
        "mlflow.note.content": run.notes().notes,
        "idc.run": run.id,
        "idc.model_sha256": run.model_sha256(),
        "idc.version": __version__,
        "idc.data_sha256": str(run.environment().get("data_sha256", "")),
    }


def _params(run: Run) -> Iterator[Any]:
    from mlflow.entities import Param

    for name, value in run.config.to_json().items():
        yield Param(name, "all" if value is None and name == "patches" else str(value))


def _metrics(run: Run, results: Results) -> Iterator[Any]:
    from mlflow.entities import Metric

    now = int(time.time() * 1000)
    for entry in run.log().epochs:
        for name in _CURVES:
            if entry.get(name) is not None:
                yield Metric(name, float(entry[name]), now, entry["epoch"])
    report = results.report()
    for name in _SCORES:
        value = float(getattr(report, name))
        if value == value:  # undefined scores are nan
            yield Metric(f"{results.part}_{name}", value, now, 0)


def check_uri(uri: str) -> None:
    """Check an address before the work.

    Raises:
        ConfigError: MLflow knows no such address.
    """
    if not re.match(r"(https?|file|sqlite|postgresql|mysql|mssql|databricks)(\+\w+)?:", uri):
        raise ConfigError(
            "--mlflow takes an address such as http://server:5000, sqlite:///file.db or "
            f"file:///folder. Received: '{_without_credentials(uri)[:100]}'"
        )


def _without_credentials(text: str) -> str:
    """A text without user names and passwords in addresses."""
    return re.sub(r"//[^/\s@]*@", "//", text)
