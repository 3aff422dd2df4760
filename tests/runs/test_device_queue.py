"""idc.runs.device_queue: one trainer a device, in the order of starting, with real processes."""

import os
import subprocess
import sys
import time

import pytest

from idc.launch.start import create_run
from idc.runs import control
from idc.runs.device_choice import apply_device_choice, is_cpu_only, set_cpu_only
from idc.runs.device_queue import device_name, has_waiting_run, hold_device, queue_position
from idc.runs.lock import hold_lock
from idc.runs.status import current_status, read_status
from idc.settings.training_config import TrainingConfig
from tests.support import PROGRAMS, PROJECT

TRAINER = PROGRAMS / "queued_trainer.py"


class Enough(Exception):
    """The run is waiting."""


def new_run(name="a"):
    return create_run(TrainingConfig(data="a", name=name))


def wait_until(condition, most_s=240):
    deadline = time.monotonic() + most_s  # only so that a broken queue does not hang the tests
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def give_up():
    raise Enough


@pytest.fixture
def start(home):
    """Starts a run's trainer as a process; all are ended after the test."""
    processes = []

    def begin(run):
        process = subprocess.Popen(
            [sys.executable, TRAINER, run.id],
            env={**os.environ, "PYTHONPATH": str(PROJECT)},
            stderr=subprocess.DEVNULL,
        )
        processes.append(process)
        return process

    yield begin
    for process in processes:
        process.kill()
        process.wait()


def turns(home):
    path = home / "turns.txt"
    return [line.split() for line in path.read_text().splitlines()] if path.exists() else []


def test_free_device_is_acquired_immediately(home):
    run = new_run()

    with hold_lock(run.folder), hold_device(run.id, 1.0, give_up):
        assert queue_position(run.id) is None


def test_second_run_waits_for_a_taken_device(home):
    first, second = new_run("first"), new_run("second")
    places = []

    def look():
        places.append((queue_position(second.id), has_waiting_run()))
        raise Enough

    with hold_lock(first.folder), hold_device(first.id, 1.0, give_up):
        assert not has_waiting_run()
        with hold_lock(second.folder), pytest.raises(Enough), hold_device(second.id, 2.0, look):
            pass
    assert places == [(1, True)]
    assert queue_position(second.id) is None  # it has gone, and its ticket with it


def test_ticket_of_a_killed_run_does_not_block_the_queue(home):
    dead, alive = new_run("dead"), new_run("alive")
    folder = home / "devices" / "default"
    folder.mkdir(parents=True)
    ticket = folder / f"{1_000_000:020d}-{dead.id}"
    ticket.touch()

    with hold_lock(alive.folder), hold_device(alive.id, 2.0, give_up):
        pass

    assert not ticket.exists()


def test_resumed_run_does_not_wait_for_its_old_ticket(home):
    run = new_run()
    for device in ("default", "0"):
        folder = home / "devices" / device
        folder.mkdir(parents=True)
        (folder / f"{1_000_000:020d}-{run.id}").touch()  # a killed trainer leaves its ticket

    with hold_lock(run.folder), hold_device(run.id, 2.0, give_up):
        assert queue_position(run.id) is None


def test_cpu_only_run_does_not_wait_for_the_gpu(home, start):
    on_gpu, on_cpu = new_run("on the GPU"), new_run("on the CPU")
    set_cpu_only(on_cpu.folder)

    with hold_lock(on_gpu.folder), hold_device(on_gpu.id, 1.0, give_up):
        start(on_cpu)
        wait_until(lambda: turns(home) == [["begin", on_cpu.id]])
        (home / "go").touch()
        wait_until(lambda: read_status(on_cpu.folder).state == "finished")


def test_cpu_choice_can_be_reverted(home, monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0")
    run = new_run()
    set_cpu_only(run.folder)
    set_cpu_only(run.folder, False)
    apply_device_choice(run.folder)

    assert not is_cpu_only(run.folder)
    assert device_name() == "0"


def test_each_device_has_its_own_queue(home, monkeypatch):
    first, second = new_run("first"), new_run("second")

    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0")
    with hold_lock(first.folder), hold_device(first.id, 1.0, give_up):
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "1")
        with hold_lock(second.folder), hold_device(second.id, 2.0, give_up):
            pass


@pytest.mark.parametrize(
    ("chosen", "name"), [("", "default"), ("0", "0"), ("0,1", "0_1"), ("../x", "___x")]
)
def test_device_name_is_a_safe_file_name(monkeypatch, chosen, name):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", chosen)

    assert device_name() == name


@pytest.mark.slow
def test_twenty_simultaneous_starts_train_one_at_a_time(home, start):
    runs = [new_run(str(number)) for number in range(20)]
    processes = {run.id: start(run) for run in runs}
    wait_until(lambda: sum(read_status(run.folder).state == "queued" for run in runs) == 19)

    [(word, holder)] = turns(home)
    assert word == "begin"
    waiting = [run for run in runs if run.id != holder]
    assert [queue_position(run.id) for run in waiting] == list(range(1, 20))

    withdrawn, killed, *others = waiting
    control.send_request(withdrawn.folder, control.WITHDRAW)
    processes[killed.id].kill()
    processes[killed.id].wait()
    assert processes[withdrawn.id].wait() == 0
    assert current_status(withdrawn.folder).reason == (
        "Withdrawn from the queue; continue the run to queue it again."
    )
    assert current_status(killed.folder).state == "interrupted"
    assert [queue_position(run.id) for run in others] == list(range(1, 18))

    (home / "go").touch()
    for run in (run for run in runs if run not in (withdrawn, killed)):
        assert processes[run.id].wait() == 0
        assert current_status(run.folder).state == "finished"
    in_order = [holder, *(run.id for run in others)]
    assert turns(home) == [[word, run_id] for run_id in in_order for word in ("begin", "end")]


@pytest.mark.slow
def test_killed_trainer_frees_the_device_for_the_next(home, start):
    first, second = new_run("first"), new_run("second")
    process = start(first)
    wait_until(lambda: turns(home) == [["begin", first.id]])
    start(second)
    wait_until(lambda: queue_position(second.id) == 1)

    process.kill()
    process.wait()
    assert current_status(first.folder).state == "interrupted"

    wait_until(lambda: ["begin", second.id] in turns(home))


@pytest.mark.slow
def test_run_started_twice_trains_once(home, start):
    run = new_run()
    first, second = start(run), start(run)
    wait_until(lambda: first.poll() is not None or second.poll() is not None)

    refused = first if first.poll() is not None else second
    assert refused.returncode == 2
    assert turns(home) == [["begin", run.id]]
    assert current_status(run.folder).state == "running"
