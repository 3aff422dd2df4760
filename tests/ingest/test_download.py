"""The download from end to end, over real HTTP on loopback: the right data set, or one sentence."""

import json
import os
import resource
import shutil
import subprocess
import threading
import time
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from idc.datasets.store import list_stores, open_store, verify_store
from idc.errors import DataError, DownloadError
from idc.ingest import download, download_worker
from idc.ingest.download import (
    PART_FILE,
    ZIP_FILE,
    DownloadJob,
    DownloadStatus,
    discard_download,
    download_status,
    forget_download,
    full_set_size,
    hold_lock,
    is_locked,
    request_stop,
    resume_download,
    start_download,
)
from idc.ingest.download_worker import run_in_foreground, run_job
from idc.ingest.kaggle_login import parse_login, store_login
from idc.ingest.stall_timeout import RetryPolicy
from idc.processes import detached
from tests.support.fake_kaggle import SIGNATURE, Answer, patches_zip
from tests.support.made_patches import tiny_store

QUICK = RetryPolicy(
    stall_s=20, tries=3, backoff_s=0.01, backoff_most_s=0.01, retry_after_most_s=0.01
)
IMPATIENT = replace(QUICK, stall_s=0.4)
JOB = DownloadJob(expected=3, keep_zip=True, limits=QUICK)
CANARY = "KGAT_canary0123456789"


@pytest.fixture
def folder(home, kaggle):
    """The download's folder, with a server that plays Kaggle in reach."""
    path = home / "download"
    path.mkdir()
    return path


@pytest.fixture
def workers(monkeypatch):
    """The worker processes that are started; killed at the end."""
    started = []
    popen = subprocess.Popen

    def start(*args, **settings):
        started.append(popen(*args, **settings))
        return started[-1]

    monkeypatch.setattr(detached.subprocess, "Popen", start)
    yield started
    for process in started:
        process.kill()
        process.wait()


def get(job=JOB):
    with hold_lock() as lock:
        assert lock is not None
        download.record_job(job)
        return run_job(job)


def wait_until(condition):
    until = time.monotonic() + 180
    while not condition():
        assert time.monotonic() < until, "waited in vain"
        time.sleep(0.01)


def assert_packed(ended, kaggle, folder):
    assert (ended.state, ended.reason) == ("done", "All 3 patches arrived, checked and packed.")
    assert (folder / ZIP_FILE).read_bytes() == kaggle.body
    assert verify_store("idc") == (3, 1)


def assert_failed(ended, *, sentence):
    assert ended.state == "failed"
    assert ended.reason.startswith(sentence)
    assert list_stores() == []
    assert SIGNATURE not in ended.reason


# All is well


def test_zip_is_fetched_once_checked_and_packed(kaggle, folder):
    seen = []
    with hold_lock():
        download.record_job(JOB)
        ended = run_job(JOB, on_status=lambda status: seen.append(status.phase))

    assert_packed(ended, kaggle, folder)
    assert kaggle.bodies_asked() == [None]
    assert list(dict.fromkeys(seen)) == ["fetching", "checking", "packing"]
    assert open_store("idc").report.second_copies == 3
    assert download_status() == ended


def test_zip_is_deleted_after_packing_unless_it_is_to_be_kept(kaggle, folder):
    assert get(replace(JOB, keep_zip=False)).state == "done"

    assert sorted(path.name for path in folder.iterdir()) == ["job.json", "lock", "status.json"]


def test_full_set_has_the_published_number_of_patches():
    assert full_set_size() == DownloadJob().expected == 277_524


def test_zip_that_was_checked_before_is_only_packed(kaggle, folder):
    (folder / ZIP_FILE).write_bytes(kaggle.body)

    assert_packed(get(), kaggle, folder)
    assert kaggle.seen_by_api == []


# The line


def test_cut_transfer_goes_on_where_it_was(kaggle, folder):
    kaggle.storage = [Answer(cut_after=1_000), Answer(cut_after=500)]

    assert_packed(get(), kaggle, folder)
    assert kaggle.bodies_asked() == [None, "bytes=1000-", "bytes=1500-"]


def test_silence_during_the_body_is_noticed(kaggle, folder):
    kaggle.storage = [Answer(stall_after=1_000)]

    assert_packed(get(replace(JOB, limits=IMPATIENT)), kaggle, folder)
    assert kaggle.bodies_asked() == [None, "bytes=1000-"]


def test_silence_before_the_body_is_noticed(kaggle, folder):
    kaggle.storage = [Answer(stall_after=-1)]

    assert_packed(get(replace(JOB, limits=IMPATIENT)), kaggle, folder)
    assert kaggle.bodies_asked() == [None, None]


def test_silence_of_the_api_is_noticed(kaggle, folder):
    kaggle.api = [Answer(stall_after=-1)]

    assert_packed(get(replace(JOB, limits=IMPATIENT)), kaggle, folder)


def test_lasting_silence_is_told(kaggle, folder):
    kaggle.storage = [Answer(stall_after=-1)] * 2
    limits = replace(IMPATIENT, tries=2, stall_s=0.2)

    assert_failed(
        get(replace(JOB, limits=limits)), sentence="Nothing came from Kaggle for 0 s, 2 times"
    )


def test_a_stall_is_noticed_within_a_minute_by_default():
    assert RetryPolicy().stall_s <= 60


def test_server_that_is_not_there_is_told(kaggle, folder, monkeypatch):
    monkeypatch.setenv("IDC_KAGGLE_URL", "http://127.0.0.1:9")

    assert_failed(get(), sentence="Kaggle cannot be reached, or hung up, 3 times in a row.")


def test_server_that_ignores_ranges_sends_the_whole_file_again(kaggle, folder):
    kaggle.storage = [Answer(cut_after=1_000), Answer(ignore_range=True)]

    assert_packed(get(), kaggle, folder)


def test_server_that_always_cuts_at_the_same_place_is_not_asked_for_ever(kaggle, folder):
    kaggle.storage = [Answer(cut_after=1_000, ignore_range=True)] * 9

    assert_failed(get(), sentence="The connection to Kaggle broke off, 3 times in a row.")
    assert len(kaggle.bodies_asked()) == 4


def test_web_page_in_place_of_the_rest_does_not_cost_what_arrived(kaggle, folder):
    kaggle.storage = [Answer(cut_after=1_000), Answer(html=True)]

    assert_packed(get(), kaggle, folder)
    assert kaggle.bodies_asked() == [None, "bytes=1000-", "bytes=1000-"]


def test_lasting_web_page_is_told_and_is_not_taken_for_the_file(kaggle, folder):
    kaggle.storage = [Answer(html=True)] * 3

    assert_failed(get(), sentence="A web page answered in the file's place, 3 times in a row.")
    assert not (folder / PART_FILE).exists()


def test_file_that_changed_before_going_on_begins_anew(kaggle, folder):
    kaggle.storage = [Answer(cut_after=1_000)] * 2
    get(replace(JOB, limits=replace(QUICK, tries=0)))
    assert (folder / PART_FILE).stat().st_size == 1_000

    kaggle.body, kaggle.etag, kaggle.storage = patches_zip(3, case=9_000), '"second"', []
    assert_packed(get(), kaggle, folder)
    assert kaggle.bodies_asked()[1:] == [None]


def test_file_that_changes_between_the_question_and_the_body_begins_anew(kaggle, folder):
    kaggle.storage = [Answer(cut_after=1_000), Answer(etag='"second"')]

    assert_packed(get(), kaggle, folder)
    assert kaggle.bodies_asked() == [None, "bytes=1000-"]


def test_file_without_a_tag_is_never_continued(kaggle, folder):
    kaggle.etag, kaggle.storage = None, [Answer(cut_after=1_000)]

    assert_packed(get(), kaggle, folder)
    assert kaggle.bodies_asked() == [None, None]


def test_rest_that_cannot_be_had_begins_anew(kaggle, folder):
    kaggle.storage = [Answer(cut_after=1_000), Answer(status=416)]

    assert_packed(get(), kaggle, folder)
    assert kaggle.bodies_asked() == [None, "bytes=1000-", None]


# What arrives


@pytest.mark.parametrize("send_md5", [True, False])
def test_flipped_byte_is_noticed_and_the_file_fetched_anew(kaggle, folder, send_md5):
    kaggle.send_md5 = send_md5
    kaggle.storage = [Answer(flip=100)]

    assert_packed(get(), kaggle, folder)
    assert kaggle.bodies_asked() == [None, None]


@pytest.mark.parametrize(
    ("send_md5", "sentence"),
    [
        (True, "What arrived has another checksum than what Kaggle sent. That happened twice"),
        (False, "What arrived is not a whole zip. That happened twice"),
    ],
)
def test_byte_that_is_flipped_again_is_told(kaggle, folder, send_md5, sentence):
    kaggle.send_md5 = send_md5
    kaggle.storage = [Answer(flip=100)] * 2

    assert_failed(get(), sentence=sentence)
    assert not (folder / PART_FILE).exists()


def test_length_that_is_too_long_is_not_waited_for(kaggle, folder):
    kaggle.storage = [Answer(length=len(kaggle.body) + 10)]

    assert_packed(get(), kaggle, folder)


def test_length_that_is_too_short_is_noticed(kaggle, folder):
    short = len(kaggle.body) - 10
    kaggle.storage = [Answer(length=short, cut_after=short)]

    assert_packed(get(), kaggle, folder)


def test_whole_zip_with_another_number_of_patches_is_not_packed(kaggle, folder):
    ended = get(replace(JOB, expected=4))

    assert_failed(ended, sentence="The zip arrived whole, but holds 3 different patches and not 4")
    assert str(folder / PART_FILE) in ended.reason


# What Kaggle answers


@pytest.mark.parametrize("status", [401, 403])
def test_refusal_without_credentials_asks_for_them(kaggle, folder, status):
    kaggle.api = [Answer(status=status)]

    ended = get()

    assert_failed(ended, sentence="Kaggle wants to know who asks, and no credentials are set.")
    assert ended.needs_login


def test_unknown_data_set_is_told_at_once(kaggle, folder):
    kaggle.api = [Answer(status=404)]

    assert_failed(get(), sentence="Kaggle does not know the data set")
    assert len(kaggle.seen_by_api) == 1


@pytest.mark.parametrize("status", [429, 500, 503])
def test_trouble_that_passes_is_waited_for(kaggle, folder, status):
    kaggle.api = [Answer(status=status, headers={"Retry-After": "1"})]
    kaggle.storage = [Answer(status=status)]

    assert_packed(get(), kaggle, folder)


@pytest.mark.parametrize(
    ("status", "sentence"),
    [
        (429, "Kaggle asks for a pause (HTTP 429), 3 times in a row."),
        (500, "Kaggle has trouble of its own (HTTP 500), 3 times in a row."),
    ],
)
def test_trouble_that_stays_is_told(kaggle, folder, status, sentence):
    kaggle.api = [Answer(status=status)] * 3

    assert_failed(get(), sentence=sentence)


def test_address_that_expired_is_asked_for_anew(kaggle, folder):
    kaggle.storage = [Answer(cut_after=1_000), Answer(status=403)]

    assert_packed(get(), kaggle, folder)
    assert len(kaggle.seen_by_api) == 3


def test_login_page_of_a_network_is_recognised(kaggle, folder):
    kaggle.api = [Answer(html=True)]

    assert_failed(get(), sentence="A web page answered in Kaggle's place")


def test_answer_that_makes_no_sense_is_told(kaggle, folder):
    kaggle.api = [Answer(status=418)]

    assert_failed(get(), sentence="Kaggle answered in a way that is not understood (HTTP 418).")


# The disk


@contextmanager
def files_up_to(most_bytes):
    """No file may grow beyond a limit, as on a full disk."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (most_bytes, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_disk_that_fills_up_is_told_and_the_transfer_goes_on_later(kaggle, folder):
    kaggle.body = patches_zip(3, filler_bytes=100_000)
    with files_up_to(50_000):
        assert_failed(get(), sentence=f"'{folder}' cannot be written (File too large).")
    arrived = (folder / PART_FILE).stat().st_size
    assert 0 < arrived <= 50_000

    assert_packed(get(), kaggle, folder)
    assert kaggle.bodies_asked() == [None, f"bytes={arrived}-"]


def test_disk_that_is_too_small_is_told_before_the_first_byte(kaggle, folder, monkeypatch):
    usage = shutil.disk_usage(folder)._replace(free=len(kaggle.body) + 3 * 7_500 - 1)
    monkeypatch.setattr(download_worker.shutil, "disk_usage", lambda _folder: usage)

    assert_failed(get(), sentence="The disk is too full: 0 MB of the zip are to come")
    assert kaggle.bodies_asked() == []


def test_full_disk_has_room_for_the_sentence(kaggle, folder, monkeypatch):
    kaggle.body = patches_zip(3, filler_bytes=3_000_000)
    write = download.write_status

    def write_where_little_fits(status):
        part = folder / PART_FILE
        if part.exists() and part.stat().st_size > 2_500_000:
            raise OSError(28, "No space left on device")
        write(status)

    monkeypatch.setattr(download_worker, "write_status", write_where_little_fits)
    monkeypatch.setattr(download_worker, "_WRITE_INTERVAL_S", 0)
    get()

    assert download_status().reason.startswith(f"'{folder}' cannot be written (No space left")
    assert 0 < (folder / PART_FILE).stat().st_size < 2_500_000


# Stop, kill, and many at once


def test_stop_keeps_what_arrived(kaggle, folder):
    kaggle.storage = [Answer(stall_after=1_000)]
    ended = []
    with hold_lock():
        download.record_job(JOB)
        thread = threading.Thread(target=lambda: ended.append(run_job(JOB)))
        thread.start()
        wait_until(lambda: download_status().here == 1_000 or (folder / PART_FILE).exists())
        wait_until(lambda: (folder / PART_FILE).stat().st_size == 1_000)
        request_stop()
        thread.join()

    assert (ended[0].state, ended[0].here) == ("stopped", 1_000)
    assert_packed(get(), kaggle, folder)
    assert kaggle.bodies_asked() == [None, "bytes=1000-"]


def test_stop_during_packing_keeps_the_checked_zip(kaggle, folder, monkeypatch):
    pack = download_worker.pack

    def pack_after_a_stop(paths, name, on_progress):
        request_stop()
        return pack(paths, name, on_progress=on_progress)

    monkeypatch.setattr(download_worker, "pack", pack_after_a_stop)
    assert get().state == "stopped"
    assert list_stores() == []

    monkeypatch.setattr(download_worker, "pack", pack)
    assert_packed(get(), kaggle, folder)
    assert kaggle.bodies_asked() == [None]


@pytest.mark.slow  # starts processes
def test_killed_worker_is_noticed_and_the_next_goes_on(kaggle, folder, workers):
    kaggle.storage = [Answer(stall_after=1_000)]
    start_download(JOB)
    wait_until(lambda: (folder / PART_FILE).exists())
    wait_until(lambda: (folder / PART_FILE).stat().st_size == 1_000)
    assert os.getsid(workers[0].pid) == workers[0].pid  # no hang-up reaches it
    assert download_status().live

    workers[0].kill()
    workers[0].wait()
    status = download_status()
    assert (status.state, status.live) == ("interrupted", False)
    assert status.reason.startswith("The download ended without a word")

    resume_download()
    wait_until(lambda: not download_status().live)
    assert_packed(download_status(), kaggle, folder)
    assert kaggle.bodies_asked() == [None, "bytes=1000-"]


@pytest.mark.slow  # starts a process
def test_twenty_callers_at_once_share_one_transfer(kaggle, folder, workers):
    kaggle.storage = [Answer(stall_after=1_000)]
    answers = []
    threads = [
        threading.Thread(target=lambda: answers.append(start_download(JOB))) for _ in range(20)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert [(answer.name, answer.state) for answer in answers] == [("idc", "running")] * 20
    assert len(workers) == 1
    wait_until(lambda: (folder / PART_FILE).exists())
    kaggle.let_go.set()  # the silent connection is cut, and the transfer goes on
    wait_until(lambda: not download_status().live)
    assert_packed(download_status(), kaggle, folder)
    assert len(workers) == 1


@pytest.mark.slow  # starts a process
def test_caller_with_another_name_joins_the_transfer_under_way(kaggle, folder, workers):
    kaggle.storage = [Answer(stall_after=1_000)]
    start_download(JOB)
    kaggle.stalling.wait()

    ended = run_in_foreground(
        replace(JOB, name="other"), on_status=lambda _status: kaggle.let_go.set()
    )

    assert (ended.name, ended.state) == ("idc", "done")
    assert list_stores() == ["idc"]
    assert len(workers) == 1


# Around it


def test_taken_name_is_refused_before_anything_starts(folder, workers):
    tiny_store("idc")

    with pytest.raises(DataError, match="There is a data set named 'idc' already"):
        start_download(JOB)
    assert workers == []
    assert download_status() is None


def test_bad_name_is_refused(folder, workers):
    with pytest.raises(DataError, match="A data set's name has 1 to 64 letters"):
        start_download(replace(JOB, name="../idc"))


def test_nothing_to_go_on_with_is_told(home):
    with pytest.raises(DownloadError, match="There is no download to go on with"):
        resume_download()


def test_damaged_status_is_told(folder):
    (folder / "status.json").write_text("{")

    with pytest.raises(DownloadError, match=r"status\.json' is damaged"):
        download_status()


def test_status_that_says_running_without_a_worker_is_interrupted(folder):
    download.write_status(DownloadStatus("idc"))

    assert download_status().state == "interrupted"
    with hold_lock():
        assert is_locked()
        assert download_status().state == "running"
    assert not is_locked()


def test_giving_up_deletes_what_arrived(kaggle, folder):
    kaggle.storage = [Answer(cut_after=1_000)]
    get(replace(JOB, limits=replace(QUICK, tries=0)))

    discard_download()

    assert sorted(path.name for path in folder.iterdir()) == ["job.json", "lock"]
    assert download_status() is None


def test_worker_that_has_ended_but_not_left_is_waited_for(kaggle, folder):
    get()
    held = hold_lock()
    held.__enter__()
    leaving = threading.Timer(0.5, held.__exit__, (None, None, None))
    leaving.start()

    forget_download()  # needs no lock
    assert download_status() is None
    download.write_status(DownloadStatus("idc", state="stopped"))
    with hold_lock() as lock:
        assert lock is not None
    leaving.join()


def test_dismissing_deletes_no_zip(kaggle, folder):
    get()

    forget_download()

    assert download_status() is None
    assert (folder / ZIP_FILE).exists()


def test_bug_ends_as_a_failure_without_its_message(kaggle, folder, monkeypatch, capsys):
    def broken(*_args, **_settings):
        raise ZeroDivisionError("https://storage/?" + SIGNATURE)

    monkeypatch.setattr(download_worker, "fetch", broken)

    assert_failed(get(), sentence="The download broke off: ZeroDivisionError.")
    err = capsys.readouterr().err
    assert "in broken" in err
    assert SIGNATURE not in err


@pytest.mark.slow  # starts a process
def test_token_is_in_no_file_argument_address_or_environment(
    kaggle, folder, home, workers, monkeypatch
):
    monkeypatch.setenv("IDC_API_TOKEN", "the-door-for-programs")
    store_login(parse_login(CANARY))
    kaggle.accepted = {f"Bearer {CANARY}"}
    kaggle.storage = [Answer(stall_after=1_000)]
    start_download(JOB)
    kaggle.stalling.wait()
    process = Path("/proc", str(workers[0].pid))
    told = (process / "cmdline").read_text() + (process / "environ").read_text()
    kaggle.let_go.set()
    wait_until(lambda: not download_status().live)
    workers[0].wait()

    assert download_status().state == "done"
    assert CANARY not in told
    assert "IDC_API_TOKEN" not in told
    written = b"".join(path.read_bytes() for path in home.rglob("*") if path.is_file())
    assert CANARY.encode() not in written
    assert SIGNATURE.encode() not in written
    asked = [*kaggle.seen_by_api, *kaggle.seen_by_storage]
    assert all(CANARY not in f"{seen.path}?{seen.query}{seen.body!r}" for seen in asked)
    assert all(CANARY not in str(seen.headers) for seen in kaggle.seen_by_storage)


def test_limits_are_kept_for_the_worker(folder):
    download.record_job(JOB)

    assert download.read_job() == JOB
    assert json.loads((folder / "job.json").read_text())["limits"]["tries"] == 3
