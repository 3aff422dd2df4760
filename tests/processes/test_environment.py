"""idc.processes.environment: which variables a child process inherits."""

import pytest

from idc.processes.environment import KEEP_FREED_MEMORY, child_environment

SECRETS = {"IDC_API_TOKEN": "a", "KAGGLE_API_TOKEN": "t", "KAGGLE_KEY": "k"}


@pytest.fixture(autouse=True)
def secrets(monkeypatch):
    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("KAGGLE_USERNAME", "anna")


def test_child_process_inherits_no_secret():
    environment = child_environment()

    assert not SECRETS.keys() & environment.keys()
    assert environment["KAGGLE_USERNAME"] == "anna"


def test_downloader_inherits_kaggle_secrets_but_not_api_token():
    environment = child_environment(kaggle_credentials=True)

    assert SECRETS.keys() & environment.keys() == {"KAGGLE_API_TOKEN", "KAGGLE_KEY"}


def test_relative_home_is_absolute_in_the_child(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("IDC_HOME", "home")

    assert child_environment()["IDC_HOME"] == str(tmp_path / "home")


def test_network_process_keeps_freed_memory_unless_the_user_says_otherwise(monkeypatch):
    monkeypatch.delenv("MALLOC_MMAP_MAX_", raising=False)
    monkeypatch.setenv("MALLOC_TRIM_THRESHOLD_", "1")

    environment = child_environment(runs_network=True)

    assert environment["MALLOC_MMAP_MAX_"] == KEEP_FREED_MEMORY["MALLOC_MMAP_MAX_"]
    assert environment["MALLOC_TRIM_THRESHOLD_"] == "1"
    assert "MALLOC_MMAP_MAX_" not in child_environment()
