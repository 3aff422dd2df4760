"""idc.server.quotas: who may keep how much."""

import contextlib
import threading

import pytest

from idc.server.quotas import Quota, QuotaExceeded, StorageUsage
from tests.support.waiting import wait_until

FRAMING = 10_000  # what a form may put around a file


def quota(**kept: StorageUsage) -> Quota:
    return Quota(
        lambda: kept, file_bytes=100_000, owner_bytes=200_000, owner_files=3, total_bytes=400_000
    )


def refused(quota: Quota, owner: str, size: int) -> str:
    with pytest.raises(QuotaExceeded) as caught, quota.room(owner, size):
        pass
    assert quota.refusal(owner) == str(caught.value)
    return str(caught.value)


def test_file_up_to_the_limit_has_room_and_a_larger_one_has_not():
    with quota().room("me", 100_000 + FRAMING) as room:
        assert room.bytes == 100_000 + FRAMING

    assert refused(quota(), "me", 100_001 + FRAMING) == (
        "A file of more than 0.1 MB is not taken; crop or shrink the picture, or send a zip in "
        "parts."
    )


def test_owner_may_keep_so_many_bytes_and_another_owner_has_own_room():
    mine = quota(me=StorageUsage(1, 150_000))

    with mine.room("me", 50_000):
        pass
    assert refused(mine, "me", 50_001).startswith("Your files fill the 0.2 MB that one visitor")
    with mine.room("you", 50_001):
        pass


def test_owner_may_keep_so_many_files_however_small():
    assert refused(quota(me=StorageUsage(3, 0)), "me", 1).startswith(
        "You keep 3 files here, the most"
    )


def test_all_owners_together_may_keep_so_much():
    full = quota(you=StorageUsage(1, 190_000), she=StorageUsage(1, 190_000))

    with full.room("me", 20_000):
        pass
    assert "visitors' files together fill the room" in refused(full, "me", 20_001)


def test_what_is_on_its_way_counts_until_it_is_kept_or_gone():
    mine = quota()

    with mine.room("me", 100_000), mine.room("me", 100_000):
        assert refused(mine, "me", 1).startswith("Your files fill")
    with mine.room("me", 100_000):
        pass


def test_body_without_a_length_asks_for_room_as_it_comes():
    mine = quota(me=StorageUsage(1, 150_000))

    with mine.room("me") as room:
        room.grow(50_000)
        with pytest.raises(QuotaExceeded):
            room.grow(50_001)
        assert room.bytes == 50_000


def test_refusal_is_kept_for_its_owner_until_forgotten():
    mine = quota()
    refused(mine, "me", 10**6)

    assert mine.refusal("you") == ""
    mine.forget_refusal("me")
    assert mine.refusal("me") == ""


def test_refusals_of_owners_who_never_come_back_do_not_pile_up():
    mine = quota()
    for number in range(1_001):
        refused(mine, str(number), 10**6)

    assert mine.refusal("0") == "" and mine.refusal("1000") != ""


def test_of_many_uploads_at_once_only_as_many_get_in_as_there_is_room_for():
    mine, full = quota(), threading.Event()

    def upload(number: int) -> None:
        with contextlib.suppress(QuotaExceeded), mine.room(f"{number}", 100_000):
            full.wait()

    threads = [threading.Thread(target=upload, args=(number,)) for number in range(20)]
    for thread in threads:
        thread.start()
    wait_until(lambda: refusals(mine) == 16, "all but four were refused")
    full.set()
    for thread in threads:
        thread.join()

    assert refusals(mine) == 16


def refusals(quota: Quota) -> int:
    return sum(bool(quota.refusal(f"{number}")) for number in range(20))
