import threading

import pytest

from idc.datasets import measurements
from idc.datasets.measurements import (
    has_measurements,
    measure_store,
    measurement_job,
    saved_measurements,
    start_measuring,
)
from idc.errors import DataError
from idc.processes.job_registry import JobRegistry
from tests.support.made_patches import tiny_store


class Gate:
    """Holds the measuring until it is released."""

    def __init__(self):
        self._open = threading.Event()
        self.calls = 0

    def measure(self, store, *, on_progress):
        self.calls += 1
        self._open.wait()
        return measure_store(store, on_progress=on_progress)

    def let_all_end(self):
        self._open.set()
        for thread in threading.enumerate():
            if thread.name == "measure-tiny":
                thread.join()


@pytest.fixture
def gate(home, monkeypatch):
    gate = Gate()
    monkeypatch.setattr(measurements, "measure_store", gate.measure)
    monkeypatch.setattr(measurements, "_jobs", JobRegistry())
    yield gate
    gate.let_all_end()


def test_measuring_runs_in_the_background(gate):
    store = tiny_store("tiny")
    assert measurement_job(store) is None

    job = start_measuring(store)

    assert (job.state, job.done, job.total, job.left_s()) == ("measuring", 0, 36, None)
    gate.let_all_end()
    assert (job.state, job.done, job.left_s()) == ("done", 36, 0)
    assert saved_measurements(store) is not None


def test_second_start_joins_the_running_measurement(gate):
    store = tiny_store("tiny")

    first, second = start_measuring(store), start_measuring(store)
    gate.let_all_end()

    assert first is second is measurement_job(store)
    assert gate.calls == 1


def test_stopped_measurement_job_can_be_started_again(gate):
    store = tiny_store("tiny")
    job = start_measuring(store)

    job.stop()
    gate.let_all_end()

    assert job.state == "stopped"
    assert not has_measurements(store)
    again = start_measuring(store)
    gate.let_all_end()
    assert (again.state, has_measurements(store)) == ("done", True)


def test_failed_measurement_job_keeps_its_error_sentence(gate, monkeypatch):
    def fail(store, *, on_progress):
        raise DataError("The disk is full.")

    monkeypatch.setattr(measurements, "measure_store", fail)
    job = start_measuring(tiny_store("tiny"))
    gate.let_all_end()

    assert (job.state, job.problem) == ("failed", "The disk is full.")


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_unexpected_exception_ends_the_job_as_failed(gate, monkeypatch):
    def broken(store, *, on_progress):
        raise ZeroDivisionError

    monkeypatch.setattr(measurements, "measure_store", broken)
    job = start_measuring(tiny_store("tiny"))
    gate.let_all_end()

    assert (job.state, job.problem) == ("failed", "Measuring broke off: ZeroDivisionError.")
