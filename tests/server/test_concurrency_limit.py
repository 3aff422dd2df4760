"""idc.server.concurrency_limit: so many at once, so many of one caller, and the places come free
again."""

import pytest

from idc.server.concurrency_limit import Crowd, Crowded


def test_caller_with_all_its_places_waits_while_others_come_in():
    crowd = Crowd(most=3, most_of_one=1)

    with crowd.place("a"):
        with pytest.raises(Crowded) as caught, crowd.place("a"):
            pass
        with crowd.place("b"):
            assert crowd.present() == 2

    assert caught.value.by_caller
    assert crowd.present() == 0


def test_full_house_sends_everybody_away():
    crowd = Crowd(most=1, most_of_one=5)

    with crowd.place("a"), pytest.raises(Crowded) as caught, crowd.place("b"):
        pass

    assert not caught.value.by_caller


def test_place_is_free_again_after_an_error():
    crowd = Crowd(most=1, most_of_one=1)

    with pytest.raises(ZeroDivisionError), crowd.place("a"):
        raise ZeroDivisionError
    with crowd.place("a"):
        assert crowd.present() == 1
