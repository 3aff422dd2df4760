"""Damaged files of a really trained run are written again, equal to what they were."""

import pytest

from idc.errors import DamagedFile, RunError
from idc.files.atomic import file_sha256
from idc.launch.recompute import recompute_files
from idc.metrics.calibration import Calibration
from idc.runs.checksums import write_checked_json
from idc.runs.log import DAMAGED_LOG_FILE, LOG_FILE
from idc.runs.model_hash import model_sha256
from idc.runs.run import CALIBRATION_FILE, PREDICTIONS_FILE, WEIGHTS_FILE, RunStatus
from idc.runs.status import STATUS_FILE
from tests.support.evaluated_run import evaluated_run


@pytest.mark.slow
def test_damaged_predictions_calibration_and_log_are_written_again(trained_run):
    run, predictions = trained_run, trained_run.folder / PREDICTIONS_FILE
    before, epochs = file_sha256(predictions), run.log().epochs
    predictions.unlink()
    write_checked_json(run.folder / CALIBRATION_FILE, {"temperature": 2.0, "threshold": 0.5})
    (run.folder / CALIBRATION_FILE).write_text("{")
    log = (run.folder / LOG_FILE).read_bytes()
    (run.folder / LOG_FILE).write_bytes(log.replace(b'"event": "epoch"', b'"event": "epocx"'))
    (run.folder / STATUS_FILE).write_text("{")
    with pytest.raises(DamagedFile, match=f"python -m idc recompute {run.id}"):
        run.predictions()

    recompute_files(run)

    assert file_sha256(predictions) == before
    assert run.calibration() != Calibration()
    assert run.log().epochs == epochs
    assert (run.folder / DAMAGED_LOG_FILE).read_bytes() != log
    assert run.damage() == run.log().problems == []


def test_best_json_names_the_model_of_its_weights(trained_run):
    best = trained_run.best()

    assert best["model_sha256"] == model_sha256(trained_run.folder / WEIGHTS_FILE)
    assert trained_run.model_sha256() == best["model_sha256"]


def test_model_of_an_older_run_is_computed_from_its_weights(trained_run):
    best = trained_run.best()
    older = {name: value for name, value in best.items() if name != "model_sha256"}
    write_checked_json(trained_run.folder / "best.json", older)

    assert trained_run.model_sha256() == best["model_sha256"]


@pytest.mark.slow
def test_run_without_weights_cannot_be_computed_again(home):
    with pytest.raises(RunError, match="has no weights here to compute its files from"):
        recompute_files(evaluated_run())


@pytest.mark.slow
def test_paused_run_is_not_computed_again(trained_run):
    trained_run.write_status(RunStatus("paused", epochs=2, epoch=1))

    with pytest.raises(RunError, match="is being trained or paused; stop it first"):
        recompute_files(trained_run)
