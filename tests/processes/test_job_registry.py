"""idc.processes.job_registry: one job of each key at a time."""

from dataclasses import dataclass

import pytest

from idc.processes.job_registry import JobRegistry


@dataclass(eq=False)
class FakeJob:
    live: bool = True


@pytest.fixture
def jobs():
    return JobRegistry()


def test_second_start_joins_the_live_job(jobs):
    first = jobs.start_or_join("a", FakeJob)

    assert jobs.start_or_join("a", FakeJob) is first
    assert jobs.get("a") is first


def test_ended_job_is_replaced_and_the_new_one_is_listed_last(jobs):
    first = jobs.start_or_join("a", FakeJob)
    other = jobs.start_or_join("b", FakeJob)
    first.live = False

    second = jobs.start_or_join("a", FakeJob)

    assert second is not first
    assert jobs.list_jobs() == [other, second]


def test_job_started_alone_waits_for_no_other_and_is_refused_beside_one(jobs):
    job = jobs.start_alone("a", FakeJob)

    assert jobs.start_alone("a", FakeJob) is job
    assert jobs.start_alone("b", FakeJob) is None
    job.live = False
    assert jobs.start_alone("b", FakeJob) is jobs.get("b")


def test_only_ended_jobs_can_be_forgotten(jobs):
    job = jobs.start_or_join("a", FakeJob)

    jobs.forget_ended("a")
    assert jobs.get("a") is job
    job.live = False
    jobs.forget_ended("a")
    jobs.forget_ended("never started")

    assert jobs.get("a") is None


def test_job_that_cannot_start_leaves_the_registry_unchanged(jobs):
    ended = jobs.start_or_join("a", lambda: FakeJob(live=False))

    with pytest.raises(ZeroDivisionError):
        jobs.start_or_join("a", lambda: 1 / 0)

    assert jobs.list_jobs() == [ended]


def test_oldest_ended_jobs_beyond_the_limit_are_removed():
    jobs = JobRegistry(max_jobs=2)
    live = jobs.start_or_join("live", FakeJob)
    for key in "abc":
        jobs.start_or_join(key, lambda: FakeJob(live=False))

    assert jobs.list_jobs() == [live, jobs.get("c")]
