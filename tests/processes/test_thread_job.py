"""idc.processes.thread_job: how work in the background goes on and ends."""

import threading

import pytest

from idc.errors import DataError
from idc.processes import thread_job
from idc.processes.thread_job import ThreadJob


def new_job(**facts):
    return ThreadJob(title="Counting", state="counting", **facts)


def test_work_is_done_in_a_thread_of_its_name():
    job, names = new_job(), []

    job.start(lambda: names.append(threading.current_thread().name), "counter").join()

    assert names == ["counter"]
    assert (job.state, job.live) == ("done", False)


def test_stop_ends_it_at_the_next_step():
    job = new_job(total=3)

    def count():
        job.advance(1, 3)
        job.stop()
        job.advance(2, 3)
        raise AssertionError("it went on")

    job.run(count)

    assert (job.state, job.done, job.problem) == ("stopped", 2, "")


def test_failure_keeps_its_sentence():
    job = new_job()

    def fail():
        raise DataError("The disk is full.")

    job.run(fail)

    assert (job.state, job.problem) == ("failed", "The disk is full.")


def test_bug_ends_as_a_failure_and_is_still_seen():
    job = new_job()

    with pytest.raises(ZeroDivisionError):
        job.run(lambda: 1 / 0)

    assert (job.state, job.problem) == ("failed", "Counting broke off: ZeroDivisionError.")


def test_time_left_follows_the_speed_so_far(monkeypatch):
    monkeypatch.setattr(thread_job.time, "monotonic", lambda: 110.0)

    assert new_job(done=0, total=1_000, began=100.0).left_s() is None
    assert new_job(done=200, total=1_000, began=100.0).left_s() == 40.0
