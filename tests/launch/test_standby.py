"""Tests of idc.launch.standby with real processes."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from idc.launch import standby, start
from idc.launch.standby import assign_run, ensure_standby, stop_standby
from idc.launch.start import create_run, start_trainer
from idc.runs.device_choice import set_cpu_only
from idc.runs.lock import hold_lock, is_locked
from idc.runs.status import TRAINER_OUTPUT_FILE
from idc.settings.training_config import preset_config
from tests.support.made_patches import tiny_store
from tests.support.waiting import wait_until

MOST_S = 240  # only so that a broken one does not hang the tests


@pytest.fixture(autouse=True)
def none_left(home):
    yield
    stop_standby()


def waiting():
    """The standby process."""
    return standby._standby_process


def has_ended(pid):
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return True
    return state == "Z"  # its exit code was not collected


@pytest.fixture
def started(monkeypatch):
    """Command lines of the trainers that `start_trainer` would start."""
    commands = []
    monkeypatch.setattr(start, "start_detached", lambda command, **_: commands.append(command))
    return commands


def new_run():
    return create_run(
        preset_config("fast", "tiny", protocol="random", epochs=1, batch_size=8, patches=None)
    )


@pytest.mark.slow
def test_standby_trainer_trains_the_next_run(started):
    tiny_store("tiny", cases=3, per_case=12)
    ensure_standby()
    process = waiting()
    ensure_standby()
    assert waiting() is process  # one is enough

    run = new_run()
    start_trainer(run)

    assert waiting() is None
    wait_until(lambda: is_locked(run.folder), "the run is taken", MOST_S)
    status = run.status()
    assert (status.state, status.phase) in (("starting", ""), ("running", "loading"))
    assert process.wait(MOST_S) == 0
    assert run.status().state == "finished"
    assert (run.folder / TRAINER_OUTPUT_FILE).exists()
    assert not started


@pytest.mark.slow
def test_standby_trainer_does_not_touch_a_locked_run():
    ensure_standby()
    process = waiting()
    run = new_run()

    with hold_lock(run.folder):
        assert assign_run(run.id)
        assert process.wait(MOST_S) == 2


def test_new_trainer_starts_if_the_standby_has_died(started):
    ensure_standby()
    waiting().kill()
    waiting().wait(MOST_S)
    run = new_run()
    start_trainer(run)

    assert [command[-1] for command in started] == [run.id]
    assert waiting() is None


def test_cpu_only_run_does_not_use_the_standby(started, monkeypatch):
    monkeypatch.setattr(standby, "assign_run", lambda run_id: pytest.fail("handed over"))
    run = create_run(preset_config("fast", "tiny"))
    set_cpu_only(run.folder)
    start_trainer(run)

    assert len(started) == 1


def test_assign_run_without_standby_returns_false():
    assert not assign_run("a")


def test_standby_of_another_home_is_stopped(tmp_path, monkeypatch):
    ensure_standby()
    process = waiting()
    monkeypatch.setenv("IDC_HOME", str(tmp_path))

    assert not assign_run("a")
    assert process.wait(MOST_S) == -9


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_standby_ends_after_its_server_is_killed(home):
    code = (
        "import os; from idc.launch import standby; standby.ensure_standby(); "
        "print(standby._standby_process.pid, flush=True); os.kill(os.getpid(), 9)"
    )
    server = subprocess.run(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, env=os.environ
    )

    wait_until(lambda: has_ended(int(server.stdout)), "it has ended", MOST_S)
