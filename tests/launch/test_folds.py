"""Tests of idc.launch.folds: one run per fold, in sequence, with stop requests."""

import sys
import threading

import numpy as np
import pytest

from idc.datasets.label_marks import Mark, save_mark
from idc.datasets.store_trash import delete_store
from idc.errors import LabelError, RunError, SplitError
from idc.evaluation.doubtful_labels import held_out_predictions
from idc.launch import folds
from idc.launch.folds import FoldJob, create_folds, list_folds, open_folds, start_folds, train_folds
from idc.launch.start import create_run
from idc.runs.lock import hold_lock
from idc.runs.run import list_runs, open_run
from idc.settings.training_config import TrainingConfig
from tests.support import PROGRAMS, PROJECT
from tests.support.disk_faults import install_fault
from tests.support.made_patches import tiny_store
from tests.support.programs import fold_trainer
from tests.support.waiting import wait_until

TRAINER = PROGRAMS / "fold_trainer.py"
SETTINGS = {"data": "tiny", "protocol": "random", "patches": 24, "epochs": 3, "seed": 1}


@pytest.fixture
def store(home):
    return tiny_store("tiny", cases=6, per_case=6)


@pytest.fixture
def base(store):
    return create_run(TrainingConfig(**SETTINGS, name="base"))


class TrainerThread(threading.Thread):
    """A trainer of `fold_trainer` in a thread, with the methods of `subprocess.Popen`."""

    def poll(self):
        return None if self.is_alive() else 0

    def wait(self, timeout):
        self.join(timeout)


@pytest.fixture
def trainer(monkeypatch):
    """Decides what the trainers of the folds do: finish, wait for a stop, or fail."""
    does = {}

    def start(command, **_):
        run_id = command[-1]
        what = does.get(open_run(run_id).config.fold, "finish")
        thread = TrainerThread(target=fold_trainer.train, args=(run_id, what))
        thread.start()
        return thread

    monkeypatch.setattr(folds, "start_detached", start)
    return does


@pytest.fixture
def trainer_processes(monkeypatch):
    """The same with processes."""
    does = {}
    monkeypatch.setenv("PYTHONPATH", str(PROJECT))
    monkeypatch.setattr(
        folds,
        "trainer_command",
        lambda run: [sys.executable, TRAINER, run.id, does.get(run.config.fold, "finish")],
    )
    return does


def test_each_patch_is_predicted_by_the_run_of_its_fold(base, store, trainer):
    job = create_folds(base, 3)

    assert train_folds(job) == "finished"

    held_out = held_out_predictions(job.finished(), ["test"])
    assert held_out.rows.tolist() == list(range(36))  # though each run draws 24
    for run in job.runs():
        answered = held_out.run_ids == run.id
        assert set(held_out.y_prob[answered]) == {np.float32(run.config.fold / 10)}
        assert len(np.unique(store.cases[answered])) == 2
    assert job.state() == ("finished", "All 3 folds are done.")


def test_folds_repeat_the_settings_of_the_base_run(base, trainer):
    job = create_folds(base, 2)
    train_folds(job)

    first, second = (run.config for run in job.runs())
    assert (first.fold, first.folds, first.name) == (1, 2, "base, fold 1 of 2")
    assert (second.fold, second.folds, second.name) == (2, 2, "base, fold 2 of 2")
    for config in (first, second):
        assert config.protocol == "case-disjoint"
        assert (config.patches, config.epochs, config.seed) == (24, 3, 1)


def test_folds_exclude_the_left_out_patches_of_the_base_run(store, trainer):
    save_mark(Mark("tiny", case=1, x=1, y=1, label=0, verdict="wrong", reviewer="Ana"))
    base = create_run(TrainingConfig(**SETTINGS, leave_out_marked=True))
    save_mark(Mark("tiny", case=2, x=1, y=1, label=0, verdict="wrong", reviewer="Ana"))

    job = create_folds(base, 2)
    train_folds(job)

    assert [run.left_out().tolist() for run in job.runs()] == [[0], [0]]


def test_stopped_folds_can_be_continued_to_the_end(base, store, trainer_processes):
    trainer_processes[2] = "wait"
    job = create_folds(base, 3)
    worker = threading.Thread(target=train_folds, args=(job,))
    worker.start()
    wait_until(
        lambda: len(job.runs()) == 2 and job.runs()[1].status().state == "running",
        "the second fold trains",
    )
    assert job.state() == ("running", "")

    job.request_stop()
    worker.join()

    assert job.state() == ("stopped", "Stopped on request with 1 of 3 folds done.")
    assert np.unique(held_out_predictions(job.finished(), ["test"]).run_ids).tolist() == [
        job.runs()[0].id
    ]

    trainer_processes[2] = "finish"
    job.clear_stop_request()
    stopped = job.runs()[1].id
    assert train_folds(job) == "finished"
    assert [run.config.fold for run in job.runs()] == [1, 2, 3]
    assert job.runs()[1].id == stopped  # it went on


def test_fold_that_fails_fails_the_job_with_its_reason(base, trainer):
    trainer[1] = "fail"
    job = create_folds(base, 2)

    with pytest.raises(RunError, match=r"Fold 1 of 2 was not trained to its end: It broke off\."):
        train_folds(job)

    assert job.state() == ("failed", "Fold 1 of 2 was not trained to its end: It broke off.")
    assert len(job.runs()) == 1


@pytest.mark.parametrize("action", [train_folds, start_folds, FoldJob.request_stop])
def test_full_disk_raises_run_error(base, trainer, monkeypatch, action):
    job = create_folds(base, 2)
    install_fault("ENOSPC 1+", monkeypatch.setattr)

    with pytest.raises(RunError, match=r"The folds could not be written \(No space left"):
        action(job)


def test_temporary_disk_failure_fails_the_job_with_its_reason(base, trainer, monkeypatch):
    job = create_folds(base, 2)
    install_fault("EIO 1", monkeypatch.setattr)

    with pytest.raises(RunError):
        train_folds(job)

    state, reason = job.state()
    assert (state, reason.split("(")[0]) == ("failed", "The folds could not be written ")


def test_job_without_process_is_interrupted(base):
    job = create_folds(base, 2)
    assert job.state()[0] == "starting"
    folds._write_status(job.folder, "running")

    assert job.state()[0] == "interrupted"
    assert not job.live


def test_live_job_is_not_started_twice(base):
    job = create_folds(base, 2)

    with hold_lock(job.folder), pytest.raises(RunError, match="being trained already"):
        start_folds(job)


def test_too_many_folds_are_rejected_before_creation(base):
    with pytest.raises(SplitError, match="7 folds need at least 7 cases; there are 6"):
        create_folds(base, 7)

    assert list_folds() == []
    assert len(list_runs()) == 1


def test_no_predictions_before_the_first_fold_ends(base, store):
    with pytest.raises(LabelError, match="no held-out predictions yet"):
        held_out_predictions(create_folds(base, 2).finished(), ["test"])


def test_folds_of_a_repacked_data_set_are_rejected(base, trainer):
    job = create_folds(base, 2)
    train_folds(job)
    delete_store("tiny")

    tiny_store("tiny", cases=9, per_case=4)
    with pytest.raises(RunError, match="was packed again"):
        held_out_predictions(job.finished(), ["test"])


@pytest.mark.parametrize("job_id", ["none", "../runs", ""])
def test_unknown_folds_raise_run_error(home, job_id):
    with pytest.raises(RunError, match="There are no folds"):
        open_folds(job_id)


@pytest.mark.slow
def test_job_trains_real_networks_in_separate_processes(trained_run):
    job = create_folds(trained_run, 2)

    start_folds(job)
    wait_until(lambda: not job.live, "both folds are done", timeout_s=600)

    assert job.state() == ("finished", "All 2 folds are done.")
    held_out = held_out_predictions(job.finished(), ["test"])
    assert held_out.rows.tolist() == list(range(80))
    assert np.isfinite(held_out.y_prob).all()
