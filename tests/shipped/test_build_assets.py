"""idc.shipped.build_assets: from a finished run to the folder that ships."""

import pytest

from idc.datasets.store import open_store
from idc.evaluation.results import saved_results
from idc.metrics.calibration import Calibration
from idc.metrics.scores import evaluate
from idc.prediction.image_warnings import profile_of
from idc.runs import run
from idc.runs.run import BUNDLED_RUN_ID, SHIPPED_DIR, WEIGHTS_FILE, open_run
from idc.runs.split import train_cases
from idc.shipped import build_assets

pytestmark = pytest.mark.slow  # `trained_run` was really trained


@pytest.fixture
def shipped_to(monkeypatch, tmp_path):
    """Where things ship to in a test."""
    for module in (build_assets, run):
        monkeypatch.setattr(module, "SHIPPED_DIR", tmp_path)
    monkeypatch.setattr(build_assets, "RECORDED_DIR", tmp_path / "demo")
    monkeypatch.setattr(
        "idc.prediction.appearance.MIN_TRAINING_PATCHES", 20
    )  # the run has learned from a few patches alone
    assert tmp_path != SHIPPED_DIR
    return tmp_path


def test_finished_run_becomes_the_bundled_model(trained_run, shipped_to):
    build_assets.install_bundled_model(trained_run)
    bundled = open_run(BUNDLED_RUN_ID)

    assert (bundled.folder / WEIGHTS_FILE).read_bytes() == (
        trained_run.folder / WEIGHTS_FILE
    ).read_bytes()
    assert bundled.shipped()
    assert bundled.calibration() != Calibration()
    store = open_store("tiny")
    assert train_cases(bundled).tolist() == train_cases(trained_run).tolist()
    # its predictions are found again by the patches' names
    assert saved_results(bundled, "test").store.name == store.name
    assert (
        saved_results(bundled, "test").rows.tolist()
        == saved_results(trained_run, "test").rows.tolist()
    )


def test_model_card_describes_the_run_without_paths_or_users(trained_run, shipped_to, home):
    build_assets.install_bundled_model(trained_run)
    card = (shipped_to / BUNDLED_RUN_ID / build_assets.MODEL_CARD_FILE).read_text(encoding="utf-8")
    validation = saved_results(trained_run, "validation")
    before = evaluate(validation.y_true, validation.y_prob)

    assert trained_run.best()["sha256"] in card
    assert "2,514,410 parameters" in card
    assert f"| log loss | {before.log_loss:.3f} |" in card
    assert f"| validation | {len(validation.rows)} | " in card
    assert "Not for diagnosis" in card
    assert str(home) not in card


def test_shipped_model_has_an_appearance_profile(trained_run, shipped_to):
    bundled = build_assets.install_bundled_model(trained_run)
    rows = build_assets.profile_rows(bundled, open_store("tiny"))

    assert profile_of(bundled).patches == len(rows["train"])
    assert not set(rows["choose"]) & set(rows["report"])


def test_shipped_log_contains_epochs_but_no_steps(trained_run, shipped_to):
    build_assets.install_bundled_model(trained_run)
    log = open_run(BUNDLED_RUN_ID).log()

    assert len(log.epochs) == 1
    assert log.steps == []
    assert trained_run.log().steps != []


def test_shipped_files_contain_no_local_path(trained_run, shipped_to, home):
    build_assets.install_bundled_model(trained_run)

    for path in (shipped_to / BUNDLED_RUN_ID).glob("*.json*"):
        assert str(home) not in path.read_text(encoding="utf-8")
