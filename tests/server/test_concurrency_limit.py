"""idc.server.concurrency_limit: so many at once, so many of one caller, and the places come free
again."""

import pytest

from idc.server.concurrency_limit import ConcurrencyLimit, TooManyRequests


def test_caller_with_all_its_places_waits_while_others_come_in():
    crowd = ConcurrencyLimit(most=3, max_per_caller=1)

    with crowd.place("a"):
        with pytest.raises(TooManyRequests) as caught, crowd.place("a"):
            pass
        with crowd.place("b"):
            assert crowd.present() == 2

    assert caught.value.by_caller
    assert crowd.present() == 0


def test_full_house_sends_everybody_away():
    crowd = ConcurrencyLimit(most=1, max_per_caller=5)

    with crowd.place("a"), pytest.raises(TooManyRequests) as caught, crowd.place("b"):
        pass

    assert not caught.value.by_caller


def test_place_is_free_again_after_an_error():
    crowd = ConcurrencyLimit(most=1, max_per_caller=1)

    with pytest.raises(ZeroDivisionError), crowd.place("a"):
        raise ZeroDivisionError
    with crowd.place("a"):
        assert crowd.present() == 1
