"""idc.processes.fair_semaphore: places are given out in the order of asking."""

import threading

import pytest

from idc.processes.fair_semaphore import AcquireTimeout, FairSemaphore
from tests.support.waiting import wait_until


def take(turns: FairSemaphore, name: str, served: list[str]) -> threading.Thread:
    """A thread that waits for its turn."""

    def wait() -> None:
        with turns:
            served.append(name)

    waiting = turns.waiting_count()
    thread = threading.Thread(target=wait)
    thread.start()
    wait_until(lambda: turns.waiting_count() == waiting + 1 or not thread.is_alive(), "it waits")
    return thread


def test_those_who_wait_are_served_in_the_order_of_their_coming():
    turns, served = FairSemaphore(), []
    with turns:
        threads = [take(turns, str(number), served) for number in range(5)]
        assert served == []
    for thread in threads:
        thread.join()

    assert served == ["0", "1", "2", "3", "4"]


def test_who_comes_back_at_once_waits_behind_those_who_wait_already():
    turns, served = FairSemaphore(), []
    with turns:
        thread = take(turns, "single patch", served)
    with turns:
        served.append("next chunk of the long job")
    thread.join()

    assert served == ["single patch", "next chunk of the long job"]


def test_as_many_as_there_are_places_are_served_at_once():
    turns, served = FairSemaphore(2), []
    with turns:
        take(turns, "second", served).join()
        assert served == ["second"]
        with turns:
            third = take(turns, "third", served)
            assert served == ["second"]
        third.join()

    assert served == ["second", "third"]


def test_who_gives_up_leaves_the_line_and_the_place_free_for_others():
    turns = FairSemaphore(acquire_timeout_s=0.01)
    with turns:
        with pytest.raises(AcquireTimeout), turns:
            pass
        assert turns.waiting_count() == 0
    with turns:
        pass


def test_error_inside_frees_the_place():
    turns = FairSemaphore(acquire_timeout_s=0.01)
    with pytest.raises(ValueError), turns:
        raise ValueError
    with turns:
        pass
