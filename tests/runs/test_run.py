"""idc.runs.run: a run's folder and its life, without training anything."""

import fcntl
import json
import os
import shutil
import subprocess
import sys
import time
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from idc.errors import RunError
from idc.launch import start
from idc.launch.start import create_run, prepare_to_resume, start_trainer, trainer_command
from idc.runs.checksums import CHECKSUMS_FILE
from idc.runs.lock import LOCK_FILE, hold_lock, is_locked
from idc.runs.run import (
    BEST_FILE,
    CONFIG_FILE,
    ENVIRONMENT_FILE,
    PREDICTIONS_FILE,
    WEIGHTS_FILE,
    RunStatus,
    list_runs,
    open_run,
)
from idc.runs.status import STATUS_FILE
from idc.settings.training_config import TrainingConfig
from tests.support import PROGRAMS, PROJECT

CHILD = PROGRAMS / "run_child.py"


@pytest.fixture
def run(home):
    return create_run(TrainingConfig(data="a", epochs=20, name="first"))


@pytest.fixture
def trainer(run):
    """A real process that holds the run's lock, as a trainer does."""
    process = subprocess.Popen(
        [sys.executable, CHILD, run.id],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(PROJECT)},
    )
    assert process.stdout.readline() == "holds it\n"
    yield process
    process.kill()
    process.communicate()


def ended(run, state, **values):
    run.write_status(RunStatus(state=state, **{"epochs": run.config.epochs, **values}))


def test_trainer_does_not_inherit_kaggle_secrets(run, monkeypatch):
    monkeypatch.setenv("KAGGLE_KEY", "secret")
    environments = []
    monkeypatch.setattr(
        start, "start_detached", lambda _, environment, **_rest: environments.append(environment)
    )
    start_trainer(run)

    assert "KAGGLE_KEY" not in environments[0]
    assert environments[0]["PATH"] == os.environ["PATH"]


# Create, open, list


def test_created_run_can_be_opened_with_its_settings(home):
    config = TrainingConfig(data="a", epochs=3, name="Müller")

    run = create_run(config)

    assert open_run(run.id) == run
    assert (run.config, run.title, run.folder) == (config, "Müller", home / "runs" / run.id)
    files = sorted(path.name for path in run.folder.iterdir())
    assert files == [CHECKSUMS_FILE, CONFIG_FILE, STATUS_FILE]


def test_new_run_is_starting_without_results(run):
    status = run.status()

    assert (status.state, status.live, status.epochs, status.epoch) == ("starting", True, 20, 0)
    assert (run.has_model(), run.has_predictions()) == (False, False)
    assert (run.environment(), run.best()) == ({}, {})
    assert run.log().steps == []


def test_title_of_an_unnamed_run_is_its_id(home):
    run = create_run(TrainingConfig(data="a"))

    assert run.title == run.id


def test_settings_are_read_as_utf_8_whatever_the_systems_encoding(home):
    run = create_run(TrainingConfig(data="a", name="Müller"))
    code = (
        "import sys; from idc.runs.run import open_run; print(ascii(open_run(sys.argv[1]).title))"
    )

    answer = subprocess.run(
        [sys.executable, "-X", "warn_default_encoding", "-W", "error", "-c", code, run.id],
        env={**os.environ, "PYTHONPATH": str(PROJECT)},
        capture_output=True,
        text=True,
    )

    assert answer.stdout == "'M\\xfcller'\n", answer.stderr


def test_runs_are_listed_newest_first_even_within_a_second(home):
    runs = [create_run(TrainingConfig(data="a", name=str(number))) for number in range(8)]

    assert [run.title for run in list_runs()] == [run.title for run in reversed(runs)]


def test_date_in_the_id_overrides_the_file_time(home, monkeypatch):
    monkeypatch.setattr(time, "strftime", lambda _form: "20260102-000000")
    create_run(TrainingConfig(data="a", name="newer"))
    monkeypatch.setattr(time, "strftime", lambda _form: "20260101-000000")
    create_run(TrainingConfig(data="a", name="older, copied here later"))

    assert [run.title for run in list_runs()] == ["newer", "older, copied here later"]


def test_list_of_a_fresh_home_is_empty(home):
    assert list_runs() == []


@pytest.mark.parametrize("file", [CONFIG_FILE, STATUS_FILE])
@pytest.mark.parametrize("content", ["", "{", "[]", "null", '{"other": 1}'])
def test_damaged_run_does_not_hide_the_others(home, file, content):
    good, damaged = (create_run(TrainingConfig(data="a", name=name)) for name in ("good", "bad"))
    (damaged.folder / file).write_text(content)

    assert list_runs() == [good]


def test_incomplete_run_is_not_listed(run):
    run.folder.rename(run.folder.with_name(f".{run.id}"))

    assert list_runs() == []


@pytest.mark.parametrize("run_id", ["", "none", "..", "../a", "a/b", ".hidden", "a\n", "\0"])
def test_invalid_id_is_rejected(run, run_id):
    with pytest.raises(RunError, match="There is no run '"):
        open_run(run_id)


def test_path_to_a_run_is_rejected_as_id(run):
    with pytest.raises(RunError, match="There is no run '"):
        open_run(f"../runs/{run.id}")


def test_damaged_settings_raise_run_error(run):
    (run.folder / CONFIG_FILE).write_text('{"data": "a", "epochs": 0}')

    with pytest.raises(RunError, match=f"The settings of the run '{run.id}' are damaged on disk"):
        open_run(run.id)


def test_damaged_status_raises_run_error(run):
    (run.folder / STATUS_FILE).write_text('{"state": ')

    with pytest.raises(RunError, match=f"The status of the run '{run.id}' is damaged on disk"):
        run.status()


def test_unwritable_runs_folder_raises_run_error(home):
    (home / "runs").write_bytes(b"a file where the folder should be")

    with pytest.raises(RunError, match=r"The run in '.*' could not be written \("):
        create_run(TrainingConfig(data="a"))


def test_failed_creation_leaves_no_folder(home, monkeypatch):
    def full(*_args):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("idc.launch.start.atomic.replace_json", full)

    with pytest.raises(RunError, match=r"\(No space left on device\); make room"):
        create_run(TrainingConfig(data="a"))

    assert list((home / "runs").iterdir()) == []


# What the folder holds


def test_has_model_needs_weights_and_checksum(run):
    (run.folder / WEIGHTS_FILE).write_bytes(b"weights")
    assert not run.has_model()

    (run.folder / BEST_FILE).write_text('{"epoch": 1, "val_loss": 0.5, "sha256": "ab"}')
    assert run.has_model()
    assert run.best() == {"epoch": 1, "val_loss": 0.5, "sha256": "ab"}


def test_damaged_file_is_named_with_its_run(run):
    (run.folder / ENVIRONMENT_FILE).write_text("{")

    with pytest.raises(RunError, match=r"^'environment\.json' of the run 'first' is damaged"):
        run.environment()


def test_predictions_are_read_back(run):
    table = pd.DataFrame(
        {"row": [3, 5], "probability": np.array([0.5, 1], np.float32), "part": ["test", "test"]}
    )
    table.to_parquet(run.folder / PREDICTIONS_FILE, index=False)

    assert run.has_predictions()
    pd.testing.assert_frame_equal(run.predictions(), table)


def test_predictions_before_the_first_epoch_are_refused(run):
    with pytest.raises(RunError, match="The run 'first' has no finished epoch yet"):
        run.predictions()


def test_damaged_predictions_raise_run_error(run):
    (run.folder / PREDICTIONS_FILE).write_bytes(b"PAR1 cut off")

    with pytest.raises(
        RunError, match=r"^'predictions.parquet' of the run 'first' is damaged on disk"
    ):
        run.predictions()


# Alive or dead


def test_run_is_interrupted_after_its_trainer_is_killed(run, trainer):
    ended(run, "running", phase="training", epoch=2, left_s=60.0)
    alive = run.status()

    trainer.kill()
    trainer.wait()
    dead = run.status()

    assert (alive.state, alive.live, alive.phase, alive.left_s) == ("running", True, "training", 60)
    assert (dead.state, dead.live, dead.phase, dead.left_s) == ("interrupted", False, "", None)
    assert (dead.epoch, dead.epochs) == (2, 20)
    assert "continue the run" in dead.reason


def test_lock_overrides_an_old_starting_status(run, trainer):
    long_ago = RunStatus(state="starting", epochs=20, updated=0.0)
    run.write_status(long_ago)

    assert run.status() == long_ago


def test_reading_the_status_does_not_write_it(run):
    ended(run, "running")
    before = (run.folder / STATUS_FILE).read_bytes()

    run.status()

    assert (run.folder / STATUS_FILE).read_bytes() == before


def test_run_without_trainer_is_interrupted_after_the_grace_time(run):
    fresh = run.status()
    run.write_status(replace(fresh, updated=fresh.updated - 60))

    assert (fresh.state, run.status().state) == ("starting", "interrupted")


@pytest.mark.parametrize("state", ["finished", "stopped", "failed"])
def test_ended_run_keeps_its_state(run, state):
    ended(run, state, epoch=4, reason="because", updated=0.0)

    assert run.status() == RunStatus(state=state, epochs=20, epoch=4, reason="because", updated=0.0)


def test_status_check_does_not_block_the_trainer(run):
    ended(run, "running")
    assert run.status().state == "interrupted"

    with run.trainer_lock():
        assert run.status().state == "running"
    assert run.status().state == "interrupted"


def test_concurrent_status_checks_do_not_see_each_other(run):
    with run.trainer_lock():
        pass
    with (run.folder / LOCK_FILE).open() as file:
        fcntl.flock(file, fcntl.LOCK_SH)  # another page, in the middle of its look

        assert not is_locked(run.folder)


def test_status_check_of_a_deleted_run_creates_nothing(run):
    shutil.rmtree(run.folder)

    assert not is_locked(run.folder)
    assert not run.folder.exists()


@pytest.mark.slow
def test_second_trainer_is_rejected(run, trainer):
    refused = pytest.raises(RunError, match=f"The run '{run.id}' is being trained already")
    with refused, run.trainer_lock():
        pass


def test_missing_run_cannot_be_locked(home):
    refused = pytest.raises(RunError, match="There is no run 'none' to train")
    with refused, hold_lock(home / "runs" / "none"):
        pass

    assert list(home.iterdir()) == []


# Asking for a stop, and going on


def test_stop_request_is_visible_to_the_trainer(run):
    assert not run.stop_requested()

    run.request_stop()

    assert open_run(run.id).stop_requested()


@pytest.mark.parametrize("state", ["stopped", "failed", "running"])
def test_interrupted_run_resumes_to_its_original_epochs(run, state):
    ended(run, state, epoch=7, epochs=30)  # "running" without a trainer: interrupted

    status = prepare_to_resume(run)

    assert (status.state, status.epoch, status.epochs) == ("starting", 7, 30)
    assert run.status() == status


def test_run_killed_after_the_last_epoch_resumes_without_more_epochs(run):
    ended(run, "running", epoch=20)

    assert prepare_to_resume(run).epochs == 20


def test_finished_run_resumes_with_its_configured_epochs(run):
    ended(run, "finished", epoch=20)

    status = prepare_to_resume(run)

    assert (status.epoch, status.epochs) == (20, 40)


def test_resume_after_early_stopping_resets_the_patience(run):
    ended(run, "finished", epoch=8, patience_from=0)

    status = prepare_to_resume(run)

    assert (status.epochs, status.patience_from) == (28, 8)


def test_interrupted_run_keeps_its_patience(run):
    ended(run, "stopped", epoch=8, patience_from=3)

    assert prepare_to_resume(run).patience_from == 3


@pytest.mark.parametrize("state", ["stopped", "finished"])
def test_more_epochs_are_added_to_finished_epochs(run, state):
    ended(run, state, epoch=7)

    assert prepare_to_resume(run, more_epochs=2).epochs == 9


def test_old_stop_request_does_not_stop_the_next_trainer(run):
    run.request_stop()
    ended(run, "stopped", epoch=7)

    prepare_to_resume(run)

    assert not run.stop_requested()


def test_live_run_cannot_be_resumed(run, trainer):
    ended(run, "running", epoch=2)
    before = (run.folder / STATUS_FILE).read_bytes()

    with pytest.raises(RunError, match="The run 'first' is being trained already"):
        prepare_to_resume(run)

    assert (run.folder / STATUS_FILE).read_bytes() == before


@pytest.mark.parametrize("more", [0, -1])
def test_less_than_one_more_epoch_is_rejected(run, more):
    ended(run, "stopped", epoch=7)

    with pytest.raises(RunError, match=f"more_epochs must be at least 1. Received: {more}"):
        prepare_to_resume(run, more_epochs=more)

    assert run.status().state == "stopped"


def test_trainer_command_contains_the_run_id_only(run):
    assert trainer_command(run) == [sys.executable, "-m", "idc.training.trainer", run.id]


def test_status_file_is_plain_json(run):
    ended(run, "finished", epoch=20, updated=1.5)

    values = json.loads((run.folder / STATUS_FILE).read_text())
    assert len(values.pop("sha256")) == 64
    assert values == {
        "state": "finished",
        "epochs": 20,
        "phase": "",
        "epoch": 20,
        "step": 0,
        "steps": 0,
        "patches_per_s": None,
        "left_s": None,
        "reason": "",
        "note": "",
        "patience_from": 0,
        "updated": 1.5,
    }
