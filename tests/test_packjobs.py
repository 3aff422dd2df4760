import threading

import pytest
from made_patches import write_patches_zip

from idc import packjobs
from idc.errors import DataError
from idc.packing import pack
from idc.packjobs import PackJob, forget_job, pack_jobs, start_demo, start_packing
from idc.store import PackReport, list_stores, verify_store

NAME = "8863_idx5_x1_y1_class0.png"


class Gate:
    """Stands before the real `pack`: holds each packing until told to go on."""

    def __init__(self):
        self._open = threading.Event()
        self.threads = []

    def pack(self, *args, **settings):
        self.threads.append(threading.current_thread())
        self._open.wait()
        return pack(*args, **settings)

    def let_all_end(self):
        self._open.set()
        for thread in list(packjobs_threads()):
            thread.join()


def packjobs_threads():
    return [thread for thread in threading.enumerate() if "_work" in thread.name]


@pytest.fixture
def gate(home, monkeypatch):
    gate = Gate()
    monkeypatch.setattr(packjobs, "pack", gate.pack)
    monkeypatch.setattr(packjobs, "_jobs", {})
    yield gate
    gate.let_all_end()


def test_packing_goes_on_behind_the_caller_until_it_is_done(gate, tmp_path):
    job = start_packing([write_patches_zip(tmp_path / "a.zip", NAME)], "a")

    assert (job.state, job.done, job.left_s()) == ("packing", 0, None)
    gate.let_all_end()
    assert (job.state, job.done, job.total, job.unit) == ("done", 1, 1, "patches")
    assert job.left_s() == 0
    assert job.report.sources == ("a.zip",)
    assert verify_store("a") == (1, 1)


def test_second_start_of_a_name_joins_the_packing_under_way(gate, tmp_path):
    source = write_patches_zip(tmp_path / "a.zip", NAME)

    first, second = start_packing([source], "a"), start_packing([source], "a")
    gate.let_all_end()

    assert first is second
    assert len(gate.threads) == 1
    assert first.state == "done"


def test_cancelled_packing_leaves_nothing(gate, home, tmp_path):
    job = start_packing([write_patches_zip(tmp_path / "a.zip", NAME)], "a")

    job.cancel()
    gate.let_all_end()

    assert job.state == "cancelled"
    assert list_stores() == []
    assert [path.name for path in (home / "data").iterdir()] in ([], [".a.lock"])


def test_failed_packing_keeps_its_sentence_for_the_page(gate, tmp_path):
    job = start_packing([tmp_path / "gone.zip"], "a")

    gate.let_all_end()

    assert job.state == "failed"
    assert job.problem.startswith("There is no file or folder at '")


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_bug_ends_as_a_failure_and_not_as_a_packing_for_ever(home, monkeypatch):
    def broken(*_args, **_settings):
        raise ZeroDivisionError

    monkeypatch.setattr(packjobs, "pack", broken)
    monkeypatch.setattr(packjobs, "_jobs", {})
    job = start_packing([], "a")
    for thread in packjobs_threads():
        thread.join()

    assert (job.state, job.problem) == ("failed", "Packing broke off: ZeroDivisionError.")


def test_failed_packing_can_be_started_again(gate, tmp_path):
    failed = start_packing([tmp_path / "a.zip"], "a")
    gate.let_all_end()

    again = start_packing([write_patches_zip(tmp_path / "a.zip", NAME)], "a")
    gate.let_all_end()

    assert (failed.state, again.state) == ("failed", "done")
    assert pack_jobs() == [again]


def test_newest_packing_is_listed_last_also_when_its_name_failed_before(gate, tmp_path):
    start_packing([tmp_path / "a.zip"], "a")
    gate.let_all_end()
    other = start_packing([tmp_path / "b.zip"], "b")
    gate.let_all_end()

    again = start_packing([tmp_path / "a.zip"], "a")

    assert pack_jobs() == [other, again]


def test_demo_tissue_is_counted_in_cases(gate, monkeypatch):
    report = PackReport(sources=("generated",), generated=True)

    def pack_demo(name, on_progress):
        on_progress(12, 12)
        return report

    monkeypatch.setattr(packjobs, "pack_demo", pack_demo)
    job = start_demo()
    gate.let_all_end()

    assert (job.name, job.unit, job.state, job.total) == ("demo", "cases", "done", 12)
    assert job.report == report


def test_only_ended_packings_can_be_taken_off_the_list(gate, tmp_path):
    job = start_packing([write_patches_zip(tmp_path / "a.zip", NAME)], "a")

    forget_job("a")
    assert pack_jobs() == [job]

    gate.let_all_end()
    forget_job("a")
    assert pack_jobs() == []


def test_bad_name_is_refused_before_a_packing_starts(gate, tmp_path):
    with pytest.raises(DataError, match="A data set's name has 1 to 64 letters"):
        start_packing([tmp_path / "a.zip"], "../a")

    assert pack_jobs() == []


def test_time_left_follows_the_speed_so_far(monkeypatch):
    monkeypatch.setattr(packjobs.time, "monotonic", lambda: 110.0)

    job = PackJob("a", "patches", done=200, total=1_000, began=100.0)

    assert job.left_s() == 40.0  # 10 s for 200, so 40 s for the other 800
