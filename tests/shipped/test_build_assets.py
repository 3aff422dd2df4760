"""idc.shipped.build_assets: from a finished run to the folder that ships."""

import shutil

import pytest

from idc.datasets.store import open_store
from idc.evaluation.results import saved_results
from idc.files.home import home_dir
from idc.metrics.calibration import Calibration
from idc.metrics.scores import evaluate
from idc.prediction.image_warnings import profile_of
from idc.runs import run
from idc.runs.run import BUNDLED_RUN_ID, SHIPPED_DIR, WEIGHTS_FILE, open_run
from idc.runs.split import train_cases
from idc.shipped import build_assets

pytestmark = pytest.mark.slow  # `trained_run` was really trained


@pytest.fixture(scope="module")
def patch():
    with pytest.MonkeyPatch.context() as patch:
        yield patch


@pytest.fixture(scope="module")
def trained_run(trained_home, tmp_path_factory, patch):
    """A run that was really trained for an epoch."""
    home = tmp_path_factory.mktemp("bundles") / "home"
    shutil.copytree(trained_home, home)
    patch.setenv("IDC_HOME", str(home))
    return open_run(next((home / "runs").iterdir()).name)


@pytest.fixture(scope="module")
def shipped_to(patch, tmp_path_factory):
    """Where things ship to in a test."""
    folder = tmp_path_factory.mktemp("shipped")
    for module in (build_assets, run):
        patch.setattr(module, "SHIPPED_DIR", folder)
    patch.setattr(build_assets, "RECORDED_DIR", folder / "demo")
    patch.setattr(
        "idc.prediction.appearance.MIN_TRAINING_PATCHES", 20
    )  # the run has learned from a few patches alone
    assert folder != SHIPPED_DIR
    return folder


@pytest.fixture(scope="module")
def bundled(trained_run, shipped_to):
    """The bundled model that the run became."""
    return build_assets.install_bundled_model(trained_run)


def test_finished_run_becomes_the_bundled_model(trained_run, bundled):
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


def test_model_card_describes_the_run_without_paths_or_users(trained_run, bundled, shipped_to):
    card = (shipped_to / BUNDLED_RUN_ID / build_assets.MODEL_CARD_FILE).read_text(encoding="utf-8")
    validation = saved_results(trained_run, "validation")
    before = evaluate(validation.y_true, validation.y_prob)

    assert trained_run.best()["sha256"] in card
    assert "294 parameters" in card
    assert f"| log loss | {before.log_loss:.3f} |" in card
    assert f"| validation | {len(validation.rows)} | " in card
    assert "Not for diagnosis" in card
    assert str(home_dir()) not in card


def test_shipped_model_has_an_appearance_profile(bundled):
    rows = build_assets.profile_rows(bundled, open_store("tiny"))

    assert profile_of(bundled).patches == len(rows["train"])
    assert not set(rows["choose"]) & set(rows["report"])


def test_shipped_log_contains_epochs_but_no_steps(trained_run, bundled):
    log = open_run(BUNDLED_RUN_ID).log()

    assert len(log.epochs) == 1
    assert log.steps == []
    assert trained_run.log().steps != []


def test_shipped_files_contain_no_local_path(bundled, shipped_to):
    for path in (shipped_to / BUNDLED_RUN_ID).glob("*.json*"):
        assert str(home_dir()) not in path.read_text(encoding="utf-8")
