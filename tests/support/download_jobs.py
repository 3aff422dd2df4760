"""Download jobs with short limits, run in the test or in worker processes."""

from dataclasses import replace

from idc.datasets.store import list_stores, verify_store
from idc.ingest import download
from idc.ingest.download import (
    ZIP_FILE,
    DownloadJob,
    hold_lock,
)
from idc.ingest.download_worker import run_job
from idc.ingest.retry_policy import RetryPolicy
from tests.support.fake_kaggle import SIGNATURE

QUICK = RetryPolicy(
    stall_s=20, tries=3, backoff_s=0.01, backoff_most_s=0.01, retry_after_most_s=0.01
)
IMPATIENT = replace(QUICK, stall_s=0.4)
JOB = DownloadJob(expected=3, keep_zip=True, limits=QUICK)
CANARY = "KGAT_canary0123456789"


def get(job=JOB):
    with hold_lock() as lock:
        assert lock is not None
        download.record_job(job)
        return run_job(job)


def assert_packed(ended, kaggle, folder):
    assert (ended.state, ended.reason) == ("done", "Downloaded, checked and packed 3 patches.")
    assert (folder / ZIP_FILE).read_bytes() == kaggle.body
    assert verify_store("idc") == (3, 1)


def assert_failed(ended, *, sentence):
    assert ended.state == "failed"
    assert ended.reason.startswith(sentence)
    assert list_stores() == []
    assert SIGNATURE not in ended.reason
