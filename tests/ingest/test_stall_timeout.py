import threading

import pytest

from idc.ingest.stall_timeout import RetryPolicy, Stalled, StopRequested, iterate_with_timeout, wait

LONG_S = 60.0  # never reached


def never():
    return False


def blocks(*values):
    def generate():
        yield from values

    return generate


def test_blocks_come_in_their_order_to_the_end():
    assert list(iterate_with_timeout(blocks(*range(100)), LONG_S, never)) == list(range(100))


def test_error_of_the_source_is_raised_where_it_is_waited_for():
    def broken():
        yield 1
        raise ValueError("broken")

    arriving = iterate_with_timeout(broken, LONG_S, never)
    assert next(arriving) == 1
    with pytest.raises(ValueError, match="broken"):
        next(arriving)


def test_source_that_fails_at_once_is_not_waited_for():
    def fails():
        raise ValueError("at once")

    with pytest.raises(ValueError, match="at once"):
        next(iterate_with_timeout(fails, LONG_S, never))


def test_silence_raises_after_its_limit():
    let_go = threading.Event()

    def silent():
        yield 1
        let_go.wait()

    arriving = iterate_with_timeout(silent, 0.05, never)
    assert next(arriving) == 1
    with pytest.raises(Stalled):
        next(arriving)
    let_go.set()


def test_stop_is_noticed_while_the_source_is_silent():
    let_go, asked = threading.Event(), threading.Event()

    def silent():
        yield 1
        let_go.wait()

    arriving = iterate_with_timeout(silent, LONG_S, asked.is_set)
    assert next(arriving) == 1
    asked.set()
    with pytest.raises(StopRequested):
        next(arriving)
    let_go.set()


def test_source_is_closed_when_nobody_waits_any_more():
    closed = threading.Event()

    def endless():
        try:
            while True:
                yield 1
        finally:
            closed.set()

    arriving = iterate_with_timeout(endless, LONG_S, never)
    next(arriving)
    arriving.close()

    assert closed.wait(LONG_S)


def test_wait_ends_early_when_asked():
    with pytest.raises(StopRequested):
        wait(LONG_S, lambda: True)


def test_pauses_double_up_to_a_limit():
    limits = RetryPolicy(backoff_s=1, backoff_most_s=10, retry_after_most_s=300)

    assert [limits.pause_s(attempt) for attempt in (1, 2, 3, 4, 5, 99)] == [1, 2, 4, 8, 10, 10]


def test_pause_that_the_server_asks_for_is_kept_up_to_a_limit():
    limits = RetryPolicy(retry_after_most_s=300)

    assert [limits.pause_s(1, asked) for asked in (0, 42, 3_600)] == [0, 42, 300]
