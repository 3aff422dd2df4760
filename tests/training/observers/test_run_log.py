import math

import pytest

from idc.runs.log import read_log
from idc.training.history import RestoredCheckpoint
from idc.training.observers.run_log import LogObserver, batch_scores
from tests.training.observers.states import entry, state_at


class Folder:
    """What the observer uses of a run."""

    def __init__(self, folder):
        self.folder = folder

    def log(self):
        return read_log(self.folder)


@pytest.fixture
def run(tmp_path):
    return Folder(tmp_path)


def logs(**values):
    scores = {"loss": 0.1234567, "accuracy": 0.75, "balanced_accuracy": 0.5, "roc_auc": 0.625}
    return {f"batch_{name}": value for name, value in {**scores, **values}.items()}


def test_start_logs_the_restored_position(run):
    restored = RestoredCheckpoint(epoch=0, step=3, damaged=("epoch-0001",))

    LogObserver(run).on_train_begin(state_at(step=3, restored=restored))

    start = run.log().starts[0]
    assert start.pop("time") > 0
    assert start == {"epoch": 0, "step": 3, "epochs": 4, "steps": 10, "damaged": ["epoch-0001"]}


def test_start_logs_epochs_whose_line_a_kill_prevented(run):
    observer = LogObserver(run)
    observer.on_epoch_saved(state_at(epoch=1), entry(1), None)

    restored = RestoredCheckpoint(epoch=2)
    observer.on_train_begin(state_at(epoch=2, restored=restored))

    assert run.log().epochs == [entry(1), entry(2)]


def test_step_is_logged_with_its_position_and_time(run):
    state = state_at(epoch=1, step=7)
    state.stopwatch.now = 12.345

    LogObserver(run).on_log_step(state, logs())

    scores = {"loss": 0.12346, "accuracy": 0.75, "balanced_accuracy": 0.5, "roc_auc": 0.625}
    assert run.log().steps == [{"epoch": 2, "step": 7, **scores, "elapsed_s": 12.35}]


@pytest.mark.parametrize("undefined", [math.nan, math.inf])
def test_undefined_score_is_none(undefined):
    assert batch_scores(logs(roc_auc=undefined))["roc_auc"] is None
