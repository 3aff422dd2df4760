"""The download from end to end, over HTTP on loopback: the data set, or one error sentence."""

from dataclasses import replace

import pytest

from idc.datasets.store import open_store
from idc.ingest import download
from idc.ingest.download import (
    PART_FILE,
    ZIP_FILE,
    DownloadJob,
    download_status,
    full_set_size,
    hold_lock,
)
from idc.ingest.download_worker import run_job
from tests.support.download_jobs import IMPATIENT, JOB, QUICK, assert_failed, assert_packed, get
from tests.support.fake_kaggle import Answer, patches_zip


def test_zip_is_downloaded_once_checked_and_packed(kaggle, folder):
    phases = []
    with hold_lock():
        download.record_job(JOB)
        ended = run_job(JOB, on_status=lambda status: phases.append(status.phase))

    assert_packed(ended, kaggle, folder)
    assert kaggle.requested_ranges() == [None]
    assert list(dict.fromkeys(phases)) == ["fetching", "checking", "packing"]
    assert open_store("idc").report.second_copies == 3
    assert download_status() == ended


def test_zip_is_deleted_after_packing_by_default(kaggle, folder):
    assert get(replace(JOB, keep_zip=False)).state == "done"

    assert sorted(path.name for path in folder.iterdir()) == ["job.json", "lock", "status.json"]


def test_full_set_has_the_published_number_of_patches():
    assert full_set_size() == DownloadJob().expected == 277_524


def test_checked_zip_is_only_packed(kaggle, folder):
    (folder / ZIP_FILE).write_bytes(kaggle.body)

    assert_packed(get(), kaggle, folder)
    assert kaggle.api_requests == []


# The network


def test_cut_transfer_resumes_at_the_last_byte(kaggle, folder):
    kaggle.storage = [Answer(cut_after=1_000), Answer(cut_after=500)]

    assert_packed(get(), kaggle, folder)
    assert kaggle.requested_ranges() == [None, "bytes=1000-", "bytes=1500-"]


def test_transfer_stalled_in_the_body_resumes_after_the_read_timeout(kaggle, folder):
    kaggle.storage = [Answer(stall_after=1_000)]

    assert_packed(get(replace(JOB, limits=IMPATIENT)), kaggle, folder)
    assert kaggle.requested_ranges() == [None, "bytes=1000-"]


def test_storage_that_never_responds_is_retried_after_the_read_timeout(kaggle, folder):
    kaggle.storage = [Answer(stall_after=-1)]

    assert_packed(get(replace(JOB, limits=IMPATIENT)), kaggle, folder)
    assert kaggle.requested_ranges() == [None, None]


def test_api_that_never_responds_is_retried_after_the_read_timeout(kaggle, folder):
    kaggle.api = [Answer(stall_after=-1)]

    assert_packed(get(replace(JOB, limits=IMPATIENT)), kaggle, folder)


def test_lasting_stall_ends_with_an_error(kaggle, folder):
    kaggle.storage = [Answer(stall_after=-1)] * 2
    limits = replace(IMPATIENT, tries=2, stall_s=0.2)

    assert_failed(get(replace(JOB, limits=limits)), sentence="Kaggle sent nothing for 0 s, 2 times")


def test_unreachable_server_ends_with_an_error(kaggle, folder, monkeypatch):
    monkeypatch.setenv("IDC_KAGGLE_URL", "http://127.0.0.1:9")

    assert_failed(get(), sentence="Kaggle cannot be reached, or closed the connection, 3 times")


def test_server_without_ranges_sends_the_whole_file_again(kaggle, folder):
    kaggle.storage = [Answer(cut_after=1_000), Answer(ignore_range=True)]

    assert_packed(get(), kaggle, folder)


def test_server_that_always_cuts_at_one_byte_is_not_retried_forever(kaggle, folder):
    kaggle.storage = [Answer(cut_after=1_000, ignore_range=True)] * 9

    assert_failed(get(), sentence="The connection to Kaggle was interrupted, 3 times in a row.")
    assert len(kaggle.requested_ranges()) == 4


def test_web_page_instead_of_the_range_keeps_received_bytes(kaggle, folder):
    kaggle.storage = [Answer(cut_after=1_000), Answer(html=True)]

    assert_packed(get(), kaggle, folder)
    assert kaggle.requested_ranges() == [None, "bytes=1000-", "bytes=1000-"]


def test_lasting_web_page_ends_with_an_error_and_without_a_file(kaggle, folder):
    kaggle.storage = [Answer(html=True)] * 3

    assert_failed(get(), sentence="The server sent a web page instead of the file, 3 times")
    assert not (folder / PART_FILE).exists()


def test_file_changed_before_the_resume_restarts(kaggle, folder):
    kaggle.storage = [Answer(cut_after=1_000)] * 2
    get(replace(JOB, limits=replace(QUICK, tries=0)))
    assert (folder / PART_FILE).stat().st_size == 1_000

    kaggle.body, kaggle.etag, kaggle.storage = patches_zip(3, case=9_000), '"second"', []
    assert_packed(get(), kaggle, folder)
    assert kaggle.requested_ranges()[1:] == [None]


def test_file_changed_between_address_and_body_restarts(kaggle, folder):
    kaggle.storage = [Answer(cut_after=1_000), Answer(etag='"second"')]

    assert_packed(get(), kaggle, folder)
    assert kaggle.requested_ranges() == [None, "bytes=1000-"]


def test_file_without_a_tag_is_never_resumed(kaggle, folder):
    kaggle.etag, kaggle.storage = None, [Answer(cut_after=1_000)]

    assert_packed(get(), kaggle, folder)
    assert kaggle.requested_ranges() == [None, None]


def test_unsatisfiable_range_restarts(kaggle, folder):
    kaggle.storage = [Answer(cut_after=1_000), Answer(status=416)]

    assert_packed(get(), kaggle, folder)
    assert kaggle.requested_ranges() == [None, "bytes=1000-", None]


# The received file


@pytest.mark.parametrize("send_md5", [True, False])
def test_corrupted_file_is_downloaded_again(kaggle, folder, send_md5):
    kaggle.send_md5 = send_md5
    kaggle.storage = [Answer(flip=100)]

    assert_packed(get(), kaggle, folder)
    assert kaggle.requested_ranges() == [None, None]


@pytest.mark.parametrize(
    ("send_md5", "sentence"),
    [
        (True, "The checksum differs from the one that Kaggle sent. This happened twice"),
        (False, "The file is not a complete zip. This happened twice"),
    ],
)
def test_file_corrupted_twice_ends_with_an_error(kaggle, folder, send_md5, sentence):
    kaggle.send_md5 = send_md5
    kaggle.storage = [Answer(flip=100)] * 2

    assert_failed(get(), sentence=sentence)
    assert not (folder / PART_FILE).exists()


def test_content_length_beyond_the_file_is_tolerated(kaggle, folder):
    kaggle.storage = [Answer(length=len(kaggle.body) + 10)]

    assert_packed(get(), kaggle, folder)


def test_content_length_short_of_the_file_is_corrected(kaggle, folder):
    short = len(kaggle.body) - 10
    kaggle.storage = [Answer(length=short, cut_after=short)]

    assert_packed(get(), kaggle, folder)


def test_zip_with_another_number_of_patches_is_not_packed(kaggle, folder):
    ended = get(replace(JOB, expected=4))

    assert_failed(ended, sentence="The zip is complete, but holds 3 different patches, not 4")
    assert str(folder / PART_FILE) in ended.reason


# Responses of Kaggle


@pytest.mark.parametrize("status", [401, 403])
def test_refusal_without_credentials_requests_a_login(kaggle, folder, status):
    kaggle.api = [Answer(status=status)]

    ended = get()

    assert_failed(ended, sentence="Kaggle requires a login, and no credentials are set.")
    assert ended.needs_login


def test_unknown_data_set_fails_at_once(kaggle, folder):
    kaggle.api = [Answer(status=404)]

    assert_failed(get(), sentence="Kaggle does not have the data set")
    assert len(kaggle.api_requests) == 1


@pytest.mark.parametrize("status", [429, 500, 503])
def test_temporary_server_error_is_retried(kaggle, folder, status):
    kaggle.api = [Answer(status=status, headers={"Retry-After": "1"})]
    kaggle.storage = [Answer(status=status)]

    assert_packed(get(), kaggle, folder)


@pytest.mark.parametrize(
    ("status", "sentence"),
    [
        (429, "Kaggle limits the request rate (HTTP 429), 3 times in a row."),
        (500, "Kaggle has a server error (HTTP 500), 3 times in a row."),
    ],
)
def test_lasting_server_error_ends_with_an_error(kaggle, folder, status, sentence):
    kaggle.api = [Answer(status=status)] * 3

    assert_failed(get(), sentence=sentence)


def test_expired_address_is_requested_again(kaggle, folder):
    kaggle.storage = [Answer(cut_after=1_000), Answer(status=403)]

    assert_packed(get(), kaggle, folder)
    assert len(kaggle.api_requests) == 3


def test_login_page_of_a_network_is_recognised(kaggle, folder):
    kaggle.api = [Answer(html=True)]

    assert_failed(get(), sentence="A web page answered instead of Kaggle")


def test_unexpected_response_ends_with_an_error(kaggle, folder):
    kaggle.api = [Answer(status=418)]

    assert_failed(get(), sentence="Kaggle sent an unexpected response (HTTP 418).")
