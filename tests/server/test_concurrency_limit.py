"""idc.server.concurrency_limit: limits in total and per caller; slots are released."""

import pytest

from idc.server.concurrency_limit import ConcurrencyLimit, TooManyRequests


def test_caller_at_its_limit_is_refused_while_others_are_served():
    limit = ConcurrencyLimit(max_total=3, max_per_caller=1)

    with limit.slot("a"):
        with pytest.raises(TooManyRequests) as caught, limit.slot("a"):
            pass
        with limit.slot("b"):
            assert limit.in_use() == 2

    assert caught.value.by_caller
    assert limit.in_use() == 0


def test_total_limit_refuses_every_caller():
    limit = ConcurrencyLimit(max_total=1, max_per_caller=5)

    with limit.slot("a"), pytest.raises(TooManyRequests) as caught, limit.slot("b"):
        pass

    assert not caught.value.by_caller


def test_slot_is_released_after_an_error():
    limit = ConcurrencyLimit(max_total=1, max_per_caller=1)

    with pytest.raises(ZeroDivisionError), limit.slot("a"):
        raise ZeroDivisionError
    with limit.slot("a"):
        assert limit.in_use() == 1
