import fcntl
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from idc.datasets.store import list_stores, open_store, verify_store
from idc.errors import DataError
from idc.ingest import packing_job
from idc.ingest.packing_job import PackJob, forget_job, pack_jobs, start_job, start_packing
from idc.processes.job_registry import JobRegistry
from tests.support import PROGRAMS, PROJECT
from tests.support.made_patches import write_patches_zip

HELD_PACKER = PROGRAMS / "held_packer.py"
NAME = "8863_idx5_x1_y1_class0.png"


class Gate:
    """Holds packing processes before or after their first progress message."""

    def __init__(self, path, when):
        self._file = path.open("w")
        fcntl.flock(self._file, fcntl.LOCK_EX)
        self._when = when
        self.commands = []

    def command(self, words):
        self.commands.append(words)
        return [sys.executable, str(HELD_PACKER), self._file.name, self._when, *words]

    def let_all_end(self):
        fcntl.flock(self._file, fcntl.LOCK_UN)
        for thread in watchers():
            thread.join()


def watchers():
    return [thread for thread in threading.enumerate() if thread.name.startswith("pack-")]


@pytest.fixture
def gate_at(home, tmp_path, monkeypatch):
    gates = []

    def make(when):
        gates.append(Gate(tmp_path / "gate", when))
        monkeypatch.setattr(packing_job, "packer_command", gates[0].command)
        monkeypatch.setattr(packing_job, "_jobs", JobRegistry())
        monkeypatch.setenv("PYTHONPATH", str(PROJECT))
        return gates[0]

    yield make
    for gate in gates:
        gate.let_all_end()


@pytest.fixture
def gate(gate_at):
    return gate_at("start")


@pytest.fixture
def in_the_middle(gate_at, monkeypatch, tmp_path):
    """A job whose process has reported its first batch and waits."""
    gate_at("middle")
    spoken = threading.Event()
    note = PackJob._apply_message
    monkeypatch.setattr(PackJob, "_apply_message", lambda *words: (note(*words), spoken.set()))
    names = [f"8863_idx5_x{1 + 50 * number}_y1_class0.png" for number in range(513)]
    job = start_packing([write_patches_zip(tmp_path / "many.zip", *names)], "many")
    assert spoken.wait(60)
    assert (job.state, job.done, job.total) == ("packing", 512, 513)
    return job


def left_behind(home):
    """The contents of the data folder without lock files."""
    data = home / "data"
    return sorted(p.name for p in data.iterdir() if p.suffix != ".lock") if data.exists() else []


def test_packing_runs_in_the_background(gate, tmp_path):
    job = start_packing([write_patches_zip(tmp_path / "a.zip", NAME)], "a")

    assert (job.state, job.done, job.left_s()) == ("packing", 0, None)
    gate.let_all_end()
    assert (job.state, job.done, job.total, job.unit) == ("done", 1, 1, "patches")
    assert job.left_s() == 0
    assert job.report == open_store("a").report
    assert job.report.sources == ("a.zip",)
    assert verify_store("a") == (1, 1)


def test_packing_runs_in_another_process(in_the_middle):
    assert in_the_middle._process.pid != os.getpid()
    assert os.getsid(in_the_middle._process.pid) != os.getsid(0)


def test_relative_path_is_resolved_by_the_server(gate, tmp_path, monkeypatch):
    write_patches_zip(tmp_path / "a.zip", NAME)
    monkeypatch.chdir(tmp_path)

    job = start_packing([Path("a.zip")], "a")
    gate.let_all_end()

    assert job.state == "done"


@pytest.mark.parametrize("file", ["-a.zip", "--help"])
def test_path_starting_with_a_dash_is_a_path(gate, tmp_path, monkeypatch, file):
    write_patches_zip(tmp_path / file, NAME)
    monkeypatch.chdir(tmp_path)

    job = start_packing([Path(file)], "a")
    gate.let_all_end()

    assert (job.state, job.report.sources) == ("done", (file,))


def test_second_start_of_a_name_joins_the_running_packing(gate, tmp_path):
    source = write_patches_zip(tmp_path / "a.zip", NAME)

    first, second = start_packing([source], "a"), start_packing([source], "a")
    gate.let_all_end()

    assert first is second
    assert pack_jobs() == [first]
    assert first.state == "done"


def test_packing_cancelled_at_its_start_leaves_nothing(gate, home, tmp_path):
    job = start_packing([write_patches_zip(tmp_path / "a.zip", NAME)], "a")

    job.stop()
    gate.let_all_end()

    assert job.state == "stopped"
    assert left_behind(home) == []


def test_packing_cancelled_during_the_work_leaves_nothing(in_the_middle, home):
    assert left_behind(home) == [".many.packing"]

    in_the_middle.stop()
    for thread in watchers():
        thread.join()

    assert in_the_middle.state == "stopped"
    assert list_stores() == []
    assert left_behind(home) == []


def test_killed_packing_fails_and_can_be_repeated(in_the_middle, home, tmp_path):
    in_the_middle._process.send_signal(signal.SIGKILL)
    for thread in watchers():
        thread.join()

    assert in_the_middle.state == "failed"
    assert in_the_middle.problem.startswith("Packing broke off: its process ended with code -9.")
    assert left_behind(home) == [".many.packing"]
    assert list_stores() == []


def test_packing_without_its_server_stops_and_leaves_nothing(gate_at, home, tmp_path):
    gate = gate_at("middle")
    names = [f"8863_idx5_x{1 + 50 * number}_y1_class0.png" for number in range(1_025)]
    source = write_patches_zip(tmp_path / "many.zip", *names)
    process = subprocess.Popen(gate.command(["many", str(source)]), stdout=subprocess.PIPE)

    assert process.stdout.readline() == b'{"done": 512, "total": 1025}\n'
    process.stdout.close()
    gate.let_all_end()

    assert process.wait() == 0
    assert left_behind(home) == []


def test_failed_packing_keeps_its_error_sentence(gate, tmp_path):
    job = start_packing([tmp_path / "gone.zip"], "a")

    gate.let_all_end()

    assert job.state == "failed"
    assert job.problem.startswith("There is no file or folder at '")


def test_process_that_cannot_start_fails_the_job(home, monkeypatch):
    monkeypatch.setattr(packing_job, "packer_command", lambda *_: ["/nowhere/python"])
    monkeypatch.setattr(packing_job, "_jobs", JobRegistry())
    monkeypatch.setattr(threading, "excepthook", lambda _: None)
    job = start_packing([], "a")
    for thread in watchers():
        thread.join()

    assert (job.state, job.problem) == ("failed", "Packing broke off: FileNotFoundError.")


def test_unexpected_exception_in_the_process_fails_the_job(home, monkeypatch):
    monkeypatch.setattr(packing_job, "packer_command", lambda *_: [sys.executable, "-c", "1 / 0"])
    monkeypatch.setattr(packing_job, "_jobs", JobRegistry())
    job = start_packing([], "a")
    for thread in watchers():
        thread.join()

    assert job.state == "failed"
    assert job.problem == (
        "Packing broke off: its process ended with code 1. Start it again; the server's log may "
        "say more."
    )


def test_packing_process_has_no_secrets(home, monkeypatch):
    monkeypatch.setenv("IDC_API_TOKEN", "canary-of-the-door")
    monkeypatch.setenv("KAGGLE_KEY", "canary-of-kaggle")
    tell = "import json, os; print(json.dumps({'problem': ' '.join(os.environ.values())}))"
    monkeypatch.setattr(packing_job, "packer_command", lambda *_: [sys.executable, "-c", tell])
    monkeypatch.setattr(packing_job, "_jobs", JobRegistry())
    job = start_packing([], "a")
    for thread in watchers():
        thread.join()

    assert str(home) in job.problem
    assert "canary" not in job.problem


def test_failed_packing_can_be_started_again(gate, tmp_path):
    failed = start_packing([tmp_path / "a.zip"], "a")
    gate.let_all_end()

    again = start_packing([write_patches_zip(tmp_path / "a.zip", NAME)], "a")
    gate.let_all_end()

    assert (failed.state, again.state) == ("failed", "done")
    assert pack_jobs() == [again]


def test_newest_packing_is_listed_last_after_a_failure(gate, tmp_path):
    start_packing([tmp_path / "a.zip"], "a")
    gate.let_all_end()
    other = start_packing([tmp_path / "b.zip"], "b")
    gate.let_all_end()

    again = start_packing([tmp_path / "a.zip"], "a")

    assert pack_jobs() == [other, again]


def test_callback_runs_after_success_only(gate, tmp_path):
    called = []
    source = write_patches_zip(tmp_path / "a.zip", NAME)
    cancelled, job = (
        start_job(
            name,
            "cases",
            gate.command([name, "--", str(source)]),
            lambda name=name: called.append(name),
        )
        for name in ("a", "b")
    )
    cancelled.stop()
    gate.let_all_end()

    assert (cancelled.state, job.state) == ("stopped", "done")
    assert called == ["b"]


def test_only_ended_packings_can_be_forgotten(gate, tmp_path):
    job = start_packing([write_patches_zip(tmp_path / "a.zip", NAME)], "a")

    forget_job("a")
    assert pack_jobs() == [job]

    gate.let_all_end()
    forget_job("a")
    assert pack_jobs() == []


def test_invalid_name_is_refused_before_the_start(gate, tmp_path):
    with pytest.raises(DataError, match="A data set's name has 1 to 64 letters"):
        start_packing([tmp_path / "a.zip"], "../a")

    assert pack_jobs() == []
