import errno

import pytest

from idc.errors import DataError, RunError, SplitError
from idc.launch.start import start_runs
from idc.runs.run import list_runs
from idc.settings.training_config import preset_config
from tests.support.made_patches import tiny_store


@pytest.fixture
def started(home, monkeypatch):
    """Records the runs whose trainer would be started; creates the data set "tiny"."""
    tiny_store("tiny")
    runs = []
    monkeypatch.setattr("idc.launch.start.start_trainer", runs.append)
    return runs


def test_runs_start_in_seed_order(started):
    runs = start_runs(preset_config("fast", "tiny"), 3)

    assert started == runs
    assert [run.config.seed for run in runs] == [0, 1, 2]


def test_both_splits_start_random_split_first(started):
    start_runs(preset_config("fast", "tiny"), both_splits=True)

    assert [run.config.protocol for run in started] == ["random", "case-disjoint"]


def test_given_start_function_replaces_the_trainer(started):
    runs = []

    start_runs(preset_config("fast", "tiny"), start=runs.append)

    assert len(runs) == 1
    assert not started


def test_failed_creation_keeps_runs_already_started(started):
    def third_fails(_folder):
        if len(started) == 2:
            raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(RunError, match="No space left on device"):
        start_runs(preset_config("fast", "tiny"), 3, populate=third_fails)

    assert [run.config.seed for run in started] == [0, 1]
    assert len(list_runs()) == 2


def test_impossible_split_creates_no_run(started):
    tiny_store("one-case", cases=1)

    with pytest.raises(SplitError):
        start_runs(preset_config("fast", "one-case"), both_splits=True)

    assert not list_runs()


def test_missing_data_set_creates_no_run(started):
    with pytest.raises(DataError, match="no-such"):
        start_runs(preset_config("fast", "no-such"))

    assert not list_runs()
