"""Sequences computed a few items ahead of the consumer."""

import threading

import pytest

from idc.processes.prefetch import map_ahead


def test_results_come_in_the_order_of_the_items():
    assert list(map_ahead(lambda n: n * n, range(5), threads=3, ahead=2)) == [0, 1, 4, 9, 16]


def test_at_most_the_given_number_is_computed_ahead():
    taken = []

    def items():
        for number in range(10):
            taken.append(number)
            yield number

    results = map_ahead(str, items(), threads=2, ahead=3)

    assert next(results) == "0"
    assert taken == [0, 1, 2, 3]
    results.close()


def test_error_of_an_item_reaches_the_consumer_at_its_position():
    results = map_ahead(lambda n: 1 // n, [1, 0, 1], threads=1, ahead=1)

    assert next(results) == 1
    with pytest.raises(ZeroDivisionError):
        next(results)


def test_closed_generator_leaves_no_thread():
    before = threading.active_count()
    results = map_ahead(str, range(100), threads=2, ahead=4)
    next(results)

    results.close()

    assert threading.active_count() == before
