import os
import signal
import socket
import threading
import time

import pytest

from idc.ingest.stop_signal import StopSignal
from idc.processes.thread_job import StopRequested

LONG_S = 60.0  # never reached


@pytest.fixture
def silent():
    """A socket from which nothing can be read."""
    ours, theirs = socket.socketpair()
    ours.settimeout(LONG_S)
    with ours, theirs:
        yield ours


def never():
    return False


def test_check_interrupts_a_blocking_read(silent):
    requested = threading.Event()
    stop = StopSignal(requested.is_set)
    began = time.monotonic()
    threading.Timer(0.2, requested.set).start()

    with stop.listen(), pytest.raises(StopRequested), stop.blocking():
        silent.recv(1)

    assert time.monotonic() - began < LONG_S / 2


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_signal_interrupts_a_blocking_read(silent, number):
    stop = StopSignal(never)
    threading.Timer(0.2, os.kill, (os.getpid(), number)).start()

    with stop.listen():
        with pytest.raises(StopRequested), stop.blocking():
            silent.recv(1)
        assert stop.requested()


def test_signal_outside_a_blocking_call_raises_in_the_next_one():
    stop = StopSignal(never)

    with stop.listen():
        os.kill(os.getpid(), signal.SIGTERM)
        assert stop.requested()
        with pytest.raises(StopRequested), stop.blocking():
            pytest.fail("the call must not begin")


def test_second_signal_has_its_default_action():
    stop = StopSignal(never)

    with stop.listen():
        os.kill(os.getpid(), signal.SIGTERM)
        assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL


def test_handlers_are_restored_at_the_end():
    before = [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)]

    with StopSignal(never).listen():
        pass

    assert [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)] == before


def test_sleep_ends_early_on_a_stop_request():
    with pytest.raises(StopRequested):
        StopSignal(lambda: True).sleep(LONG_S)


def test_sleep_without_a_stop_request_returns():
    StopSignal(never).sleep(0.01)
