"""idc.server.quotas: limits on stored uploads."""

import contextlib
import threading

import pytest

from idc.server.quotas import Quota, QuotaExceeded, StorageUsage
from tests.support.waiting import wait_until

FORM_OVERHEAD = 10_000


def quota(**kept: StorageUsage) -> Quota:
    return Quota(
        lambda: kept, file_bytes=100_000, owner_bytes=200_000, owner_files=3, total_bytes=400_000
    )


def refused(quota: Quota, owner: str, size: int) -> str:
    with pytest.raises(QuotaExceeded) as caught, quota.reserve(owner, size):
        pass
    assert quota.refusal(owner) == str(caught.value)
    return str(caught.value)


def test_file_up_to_the_limit_fits_and_a_larger_one_is_refused():
    with quota().reserve("me", 100_000 + FORM_OVERHEAD) as reservation:
        assert reservation.bytes == 100_000 + FORM_OVERHEAD

    assert refused(quota(), "me", 100_001 + FORM_OVERHEAD) == (
        "A file of more than 100 kB is not accepted; predict an image as a whole slide, "
        "or split the zip into parts."
    )


def test_owner_quota_limits_bytes_independently_of_other_owners():
    mine = quota(me=StorageUsage(1, 150_000))

    with mine.reserve("me", 50_000):
        pass
    assert refused(mine, "me", 50_001).startswith("Your files would exceed 200 kB, the limit")
    with mine.reserve("you", 50_001):
        pass


def test_owner_quota_limits_the_number_of_files():
    assert refused(quota(me=StorageUsage(3, 0)), "me", 1).startswith(
        "You already store 3 files, the limit"
    )


def test_total_quota_limits_all_owners_together():
    full = quota(you=StorageUsage(1, 190_000), she=StorageUsage(1, 190_000))

    with full.reserve("me", 20_000):
        pass
    assert "storage for uploads is full" in refused(full, "me", 20_001)


def test_reservation_counts_as_stored_until_released():
    mine = quota()

    with mine.reserve("me", 100_000), mine.reserve("me", 100_000):
        assert refused(mine, "me", 1).startswith("Your files would exceed")
    with mine.reserve("me", 100_000):
        pass


def test_reservation_grows_up_to_the_quota():
    mine = quota(me=StorageUsage(1, 150_000))

    with mine.reserve("me") as reservation:
        reservation.grow(50_000)
        with pytest.raises(QuotaExceeded):
            reservation.grow(50_001)
        assert reservation.bytes == 50_000


def test_refusal_is_kept_for_its_owner_until_forgotten():
    mine = quota()
    refused(mine, "me", 10**6)

    assert mine.refusal("you") == ""
    mine.forget_refusal("me")
    assert mine.refusal("me") == ""


def test_oldest_refusals_are_dropped_over_the_limit():
    mine = quota()
    for number in range(1_001):
        refused(mine, str(number), 10**6)

    assert mine.refusal("0") == "" and mine.refusal("1000") != ""


def test_simultaneous_uploads_never_exceed_the_total_quota():
    limited, release = quota(), threading.Event()

    def upload(number: int) -> None:
        with contextlib.suppress(QuotaExceeded), limited.reserve(f"{number}", 100_000):
            release.wait()

    threads = [threading.Thread(target=upload, args=(number,)) for number in range(20)]
    for thread in threads:
        thread.start()
    wait_until(lambda: refusals(limited) == 16, "all but four are refused")
    release.set()
    for thread in threads:
        thread.join()

    assert refusals(limited) == 16


def refusals(quota: Quota) -> int:
    return sum(bool(quota.refusal(f"{number}")) for number in range(20))
