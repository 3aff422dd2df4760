"""Fixtures that several test files share."""

import functools
import logging
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from streamlit.components.v2 import manifest_scanner
from streamlit.runtime.scriptrunner import script_runner

from idc.launch.start import create_run
from idc.runs.run import Run, open_run
from tests.support.fake_kaggle import FakeKaggle, patches_zip
from tests.support.made_patches import small_config, tiny_store
from tests.support.programs.forker import Forker

REAL_DATA = Path(__file__).resolve().parents[2] / "shared" / "data"


def pytest_configure(config: pytest.Config) -> None:
    """Let workers take the files in the order below, not by their number of tests."""
    config.option.loadscopereorder = False


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run the longest files first, so that no worker idles while another ends a long one."""
    ranks: dict[Path, int] = {}
    for item in items:
        rank = 0 if item.get_closest_marker("browser") else 1 if _is_slow(item) else 2
        ranks[item.path] = min(rank, ranks.get(item.path, rank))
    items.sort(key=lambda item: ranks[item.path])


def _is_slow(item: pytest.Item) -> bool:
    return item.get_closest_marker("slow") is not None


@pytest.fixture(scope="session", autouse=True)
def fast_app_tests() -> Iterator[None]:
    """Spare each AppTest two things that cost a tenth of a second and that no test is about.

    Streamlit reads the metadata of every installed package for components of theirs, and clears
    Keras' session where Keras is imported, which it never is in a real server.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            manifest_scanner,
            "scan_component_manifests",
            functools.cache(manifest_scanner.scan_component_manifests),
        )
        patch.setattr(script_runner, "_clean_problem_modules", lambda: None)
        yield


@pytest.fixture
def expected_page_errors() -> None:
    """Request this in a test in which a page fails on purpose."""


@pytest.fixture(autouse=True)
def no_page_errors(request) -> Iterator[None]:
    """Fail a test in which a page hid a bug behind the guard's sentence."""
    errors: list[logging.LogRecord] = []
    recorder = logging.Handler(logging.ERROR)
    recorder.emit = errors.append  # type: ignore[method-assign]
    logger = logging.getLogger("idc.ui.shared.guard")
    logger.addHandler(recorder)
    yield
    logger.removeHandler(recorder)
    if "expected_page_errors" not in request.fixturenames:
        assert [record.exc_text or str(record.exc_info) for record in errors] == []


@pytest.fixture
def home(tmp_path_factory, monkeypatch) -> Path:
    """An empty IDC_HOME, for this process and the ones that it starts."""
    folder = tmp_path_factory.mktemp("home")
    monkeypatch.setenv("IDC_HOME", str(folder))
    return folder


@pytest.fixture
def kaggle(tmp_path_factory, monkeypatch) -> Iterator[FakeKaggle]:
    """A server that plays Kaggle and has a zip of 3 patches; and a person without credentials."""
    for name in [name for name in os.environ if name.startswith("KAGGLE_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path_factory.mktemp("person")))
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    server = FakeKaggle(patches_zip(3))
    monkeypatch.setenv("IDC_KAGGLE_URL", server.url)
    yield server
    server.close()


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of real patches beside the project; skips the test where there is none."""
    if not (REAL_DATA / "idc_complete_cases.zip").exists():
        pytest.skip("needs the real patches in ../shared/data")
    return REAL_DATA


@pytest.fixture(scope="session")
def forker() -> Iterator[Forker]:
    """Starts trainers as real processes in tenths of a second: Keras is imported once."""
    forker = Forker("idc.training.loop")
    yield forker
    forker.close()


@pytest.fixture(scope="session")
def jax_forker() -> Iterator[Forker]:
    """The same for Keras on JAX."""
    forker = Forker(
        "idc.training.loop", "tests.support.tiny_training", environ={"KERAS_BACKEND": "jax"}
    )
    yield forker
    forker.close()


@pytest.fixture(scope="session")
def trained_home(tmp_path_factory, forker) -> Path:
    """A home with the store "tiny" and one run on it, really trained for an epoch."""
    folder = tmp_path_factory.mktemp("trained")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("IDC_HOME", str(folder))
        tiny_store("tiny", cases=4, per_case=20)
        run = create_run(small_config(epochs=1, name="once"))
        assert forker.start("idc.training.trainer", run.id).wait() == 0
    return folder


@pytest.fixture
def trained_run(trained_home, home) -> Run:
    """The run of `trained_home`, in a copy that the test may change."""
    shutil.copytree(trained_home, home, dirs_exist_ok=True)
    return open_run(next((home / "runs").iterdir()).name)
