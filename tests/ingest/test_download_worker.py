"""Download workers on a full disk, stopped, killed and called at the same time; their status."""

import json
import os
import resource
import shutil
import threading
import time
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from idc.datasets.store import list_stores
from idc.errors import DataError, DownloadError
from idc.ingest import download, download_worker
from idc.ingest.download import (
    PART_FILE,
    ZIP_FILE,
    DownloadStatus,
    discard_download,
    download_status,
    forget_download,
    hold_lock,
    is_locked,
    request_stop,
    resume_download,
    start_download,
)
from idc.ingest.download_worker import run_in_foreground, run_job
from idc.ingest.kaggle_login import parse_login, store_login
from idc.ingest.resumable_transfer import PartialDownload
from idc.ingest.retry_policy import RetryPolicy
from tests.support.download_jobs import (
    CANARY,
    JOB,
    QUICK,
    assert_failed,
    assert_packed,
    get,
)
from tests.support.fake_kaggle import SIGNATURE, Answer, patches_zip
from tests.support.made_patches import tiny_store
from tests.support.waiting import wait_until

# The disk


@contextmanager
def files_up_to(max_bytes):
    """Limit the size of files, as on a full disk."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (max_bytes, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_full_disk_ends_with_an_error_and_the_transfer_resumes_later(kaggle, folder):
    kaggle.body = patches_zip(3, filler_bytes=100_000)
    with files_up_to(50_000):
        assert_failed(get(), sentence=f"'{folder}' cannot be written (File too large).")
    received = (folder / PART_FILE).stat().st_size
    assert 0 < received <= 50_000

    assert_packed(get(), kaggle, folder)
    assert kaggle.requested_ranges() == [None, f"bytes={received}-"]


def test_disk_too_small_is_reported_before_the_first_byte(kaggle, folder, monkeypatch):
    usage = shutil.disk_usage(folder)._replace(free=len(kaggle.body) + 3 * 7_500 - 1)
    monkeypatch.setattr(download_worker.shutil, "disk_usage", lambda _folder: usage)

    assert_failed(get(), sentence="The disk is too full: the rest of the zip needs 0 MB")
    assert kaggle.requested_ranges() == []


def test_error_sentence_is_written_on_a_full_disk(kaggle, folder, monkeypatch):
    kaggle.body = patches_zip(3, filler_bytes=3_000_000)
    write = download.write_status

    def write_if_space_remains(status):
        part = folder / PART_FILE
        if part.exists() and part.stat().st_size > 2_500_000:
            raise OSError(28, "No space left on device")
        write(status)

    monkeypatch.setattr(download_worker, "write_status", write_if_space_remains)
    monkeypatch.setattr(download_worker, "_WRITE_INTERVAL_S", 0)
    get()

    assert download_status().reason.startswith(f"'{folder}' cannot be written (No space left")
    assert 0 < (folder / PART_FILE).stat().st_size < 2_500_000


# Stop, kill, and concurrent callers


@pytest.mark.slow  # starts a process
@pytest.mark.parametrize(
    ("api", "storage", "received"),
    [
        ([], [Answer(stall_after=1_000)], 1_000),
        ([], [Answer(stall_after=-1)], 0),
        ([Answer(stall_after=-1)], [], 0),
    ],
    ids=["body", "storage", "api"],
)
def test_stop_ends_a_stalled_worker_and_keeps_received_bytes(
    kaggle, folder, workers, api, storage, received
):
    kaggle.api, kaggle.storage = api, storage
    start_download(JOB)
    kaggle.stalling.wait()
    wait_until(
        lambda: PartialDownload(folder / PART_FILE).length == received, "the bytes are stored"
    )

    began = time.monotonic()
    request_stop()
    workers[0].wait()

    assert time.monotonic() - began < QUICK.stall_s / 2  # not its read timeout
    assert (download_status().state, download_status().here) == ("stopped", received)
    assert_packed(get(), kaggle, folder)
    assert kaggle.requested_ranges()[-1] == (f"bytes={received}-" if received else None)


@pytest.mark.slow  # starts a process
def test_sigterm_ends_a_stalled_worker(kaggle, folder, workers):
    kaggle.storage = [Answer(stall_after=1_000)]
    start_download(JOB)
    kaggle.stalling.wait()
    wait_until(lambda: PartialDownload(folder / PART_FILE).length == 1_000, "the bytes are stored")

    workers[0].terminate()

    assert workers[0].wait() == 0
    assert (download_status().state, download_status().here) == ("stopped", 1_000)


def test_stop_during_a_pause_before_the_next_attempt_is_honoured(kaggle, folder):
    kaggle.storage = [Answer(status=503)] * 9
    limits = RetryPolicy(backoff_s=600, backoff_most_s=600)

    def stop_when_waiting(status):
        if status.phase == "waiting":
            request_stop()

    with hold_lock():
        job = replace(JOB, limits=limits)
        download.record_job(job)
        status = run_job(job, on_status=stop_when_waiting)

    assert status.state == "stopped"


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
    assert kaggle.requested_ranges() == [None]


@pytest.mark.slow  # starts processes
def test_killed_worker_is_detected_and_the_next_resumes(kaggle, folder, workers):
    kaggle.storage = [Answer(stall_after=1_000)]
    start_download(JOB)
    wait_until(lambda: (folder / PART_FILE).exists(), "the file exists")
    wait_until(lambda: (folder / PART_FILE).stat().st_size == 1_000, "the bytes are stored")
    assert os.getsid(workers[0].pid) == workers[0].pid  # its own session: no SIGHUP
    assert download_status().live

    workers[0].kill()
    workers[0].wait()
    status = download_status()
    assert (status.state, status.live) == ("interrupted", False)
    assert status.reason.startswith("The download process ended unexpectedly")

    resume_download()
    wait_until(lambda: not download_status().live, "the download ends")
    assert_packed(download_status(), kaggle, folder)
    assert kaggle.requested_ranges() == [None, "bytes=1000-"]


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
    wait_until(lambda: (folder / PART_FILE).exists(), "the file exists")
    kaggle.end_stalls.set()  # the stalled connection is cut, and the transfer resumes
    wait_until(lambda: not download_status().live, "the download ends")
    assert_packed(download_status(), kaggle, folder)
    assert len(workers) == 1


@pytest.mark.slow  # starts a process
def test_caller_with_another_name_joins_the_transfer_under_way(kaggle, folder, workers):
    kaggle.storage = [Answer(stall_after=1_000)]
    start_download(JOB)
    kaggle.stalling.wait()

    ended = run_in_foreground(
        replace(JOB, name="other"), on_status=lambda _status: kaggle.end_stalls.set()
    )

    assert (ended.name, ended.state) == ("idc", "done")
    assert list_stores() == ["idc"]
    assert len(workers) == 1


# Names, status and cleaning up


def test_taken_name_is_refused_before_the_start(folder, workers):
    tiny_store("idc")

    with pytest.raises(DataError, match="There is a data set named 'idc' already"):
        start_download(JOB)
    assert workers == []
    assert download_status() is None


def test_invalid_name_is_refused(folder, workers):
    with pytest.raises(DataError, match="A data set's name has 1 to 64 letters"):
        start_download(replace(JOB, name="../idc"))


def test_resume_without_a_download_is_refused(home):
    with pytest.raises(DownloadError, match="There is no download to resume"):
        resume_download()


def test_damaged_status_is_reported(folder):
    (folder / "status.json").write_text("{")

    with pytest.raises(DownloadError, match=r"status\.json' is damaged"):
        download_status()


def test_running_status_without_a_worker_is_interrupted(folder):
    download.write_status(DownloadStatus("idc"))

    assert download_status().state == "interrupted"
    with hold_lock():
        assert is_locked()
        assert download_status().state == "running"
    assert not is_locked()


def test_discarding_deletes_received_bytes(kaggle, folder):
    kaggle.storage = [Answer(cut_after=1_000)]
    get(replace(JOB, limits=replace(QUICK, tries=0)))

    discard_download()

    assert sorted(path.name for path in folder.iterdir()) == ["job.json", "lock"]
    assert download_status() is None


def test_lock_of_an_exiting_worker_is_waited_for(kaggle, folder):
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


def test_forgetting_keeps_the_zip(kaggle, folder):
    get()

    forget_download()

    assert download_status() is None
    assert (folder / ZIP_FILE).exists()


def test_unexpected_exception_is_reported_without_its_message(kaggle, folder, monkeypatch, capsys):
    def broken(*_args, **_settings):
        raise ZeroDivisionError("https://storage/?" + SIGNATURE)

    monkeypatch.setattr(download_worker, "fetch", broken)

    assert_failed(get(), sentence="The download failed: ZeroDivisionError.")
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
    visible = (process / "cmdline").read_text() + (process / "environ").read_text()
    kaggle.end_stalls.set()
    wait_until(lambda: not download_status().live, "the download ends")
    workers[0].wait()

    assert download_status().state == "done"
    assert CANARY not in visible
    assert "IDC_API_TOKEN" not in visible
    written = b"".join(path.read_bytes() for path in home.rglob("*") if path.is_file())
    assert CANARY.encode() not in written
    assert SIGNATURE.encode() not in written
    requests = [*kaggle.api_requests, *kaggle.storage_requests]
    assert all(CANARY not in f"{seen.path}?{seen.query}{seen.body!r}" for seen in requests)
    assert all(CANARY not in str(seen.headers) for seen in kaggle.storage_requests)


def test_retry_policy_is_recorded_for_the_worker(folder):
    download.record_job(JOB)

    assert download.read_job() == JOB
    assert json.loads((folder / "job.json").read_text())["limits"]["tries"] == 3
