"""Fixtures of the tests of downloads."""

import subprocess

import pytest

from idc.processes import detached


@pytest.fixture
def folder(home, kaggle):
    """The download's folder, with a fake Kaggle server running."""
    path = home / "download"
    path.mkdir()
    return path


@pytest.fixture
def workers(monkeypatch):
    """The started worker processes; killed at the end."""
    started = []
    popen = subprocess.Popen

    def start(*args, **settings):
        started.append(popen(*args, **settings))
        return started[-1]

    monkeypatch.setattr(detached.subprocess, "Popen", start)
    yield started
    for process in started:
        process.kill()
        process.wait()
