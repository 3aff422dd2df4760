"""idc.processes.child: questions, answers, and every way in which a child can fail."""

import os
import signal
import threading
from collections.abc import Iterator

import pytest

from idc.processes.child import Child, ChildDied, ChildTimeout
from tests.support.waiting import wait_until

ECHO = "tests.support.programs.echo_child"
LONG_S = 30.0  # never reached
SHORT_S = 0.5


@pytest.fixture
def child() -> Iterator[Child]:
    child = Child(ECHO)
    yield child
    child.close()


def test_answer_carries_header_and_block(child: Child) -> None:
    header, block = child.ask({"n": 1, "é": [None, "ü"]}, b"abc", timeout_s=LONG_S)
    assert header == {"echo": {"n": 1, "é": [None, "ü"]}, "pid": child.pid()}
    assert block == b"cba"


def test_empty_and_large_blocks_cross_the_pipe(child: Child) -> None:
    assert child.ask({}, timeout_s=LONG_S)[1] == b""
    block = bytes(range(256)) * 2**14  # 4 MiB, far more than a pipe's buffer
    assert child.ask({}, block, timeout_s=LONG_S)[1] == block[::-1]


def test_one_process_answers_many_questions(child: Child) -> None:
    pids = {child.ask({}, timeout_s=LONG_S)[0]["pid"] for _ in range(5)}
    assert pids == {child.pid()}


def test_no_process_runs_before_the_first_question(child: Child) -> None:
    assert child.pid() is None


def test_start_starts_the_process_that_answers(child: Child) -> None:
    child.start()
    pid = child.pid()
    assert pid is not None
    assert child.ask({}, timeout_s=LONG_S)[0]["pid"] == pid


def test_child_that_exits_raises_and_the_next_question_finds_another(child: Child) -> None:
    with pytest.raises(ChildDied):
        child.ask({"exit": 0}, timeout_s=LONG_S)
    assert child.pid() is None
    assert child.ask({}, b"ab", timeout_s=LONG_S)[1] == b"ba"


def test_killed_child_is_replaced(child: Child) -> None:
    child.start()
    pid = child.pid()
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    child._process.wait()  # type: ignore[union-attr]
    assert child.ask({}, timeout_s=LONG_S)[0]["pid"] != pid


def test_module_that_does_not_exist_raises() -> None:
    with pytest.raises(ChildDied):
        Child("tests.no_such_child").ask({}, timeout_s=LONG_S)


def test_silent_child_is_killed_at_the_time_limit(child: Child) -> None:
    child.ask({}, timeout_s=LONG_S)
    pid = child.pid()
    assert pid is not None
    with pytest.raises(ChildTimeout):
        child.ask({"stop": True}, timeout_s=SHORT_S)
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
    assert child.ask({}, b"ab", timeout_s=LONG_S)[1] == b"ba"


def test_child_that_sends_half_an_answer_is_killed_at_the_time_limit(child: Child) -> None:
    child.start()
    with pytest.raises(ChildTimeout):
        child.ask({"raw": "{}"}, timeout_s=SHORT_S)
    assert child.pid() is None


def test_child_that_does_not_read_is_killed_at_the_time_limit(child: Child) -> None:
    child.ask({}, timeout_s=LONG_S)
    pid = child.pid()
    assert pid is not None
    os.kill(pid, signal.SIGSTOP)
    with pytest.raises(ChildTimeout):
        child.ask({}, bytes(2**24), timeout_s=SHORT_S)
    assert child.pid() is None


@pytest.mark.parametrize("raw", ["not json", "[]", "null", "[" * 100_000, "\x00", "9" * 10_000])
def test_answer_that_is_no_header_raises(child: Child, raw: str) -> None:
    with pytest.raises(ChildDied):
        child.ask({"raw": raw}, timeout_s=LONG_S)
    assert child.pid() is None


def test_child_that_hangs_up_between_header_and_block_raises(child: Child) -> None:
    with pytest.raises(ChildDied):
        child.ask({"raw": "{}", "hang_up": True}, timeout_s=LONG_S)


def test_block_larger_than_allowed_raises() -> None:
    child = Child(ECHO, max_answer_bytes=1000)
    assert len(child.ask({"large": 1000}, timeout_s=LONG_S)[1]) == 1000
    with pytest.raises(ChildDied):
        child.ask({"large": 1001}, timeout_s=LONG_S)
    child.close()


def test_question_that_is_no_json_leaves_the_child_alone(child: Child) -> None:
    child.ask({}, timeout_s=LONG_S)
    pid = child.pid()
    with pytest.raises(TypeError):
        child.ask({"bytes": b""}, timeout_s=LONG_S)
    assert child.ask({}, timeout_s=LONG_S)[0]["pid"] == pid


def test_process_is_replaced_after_its_last_question() -> None:
    child = Child(ECHO, max_questions=2)
    pids = [child.ask({}, timeout_s=LONG_S)[0]["pid"] for _ in range(5)]
    child.close()
    assert pids[0] == pids[1] != pids[2] == pids[3] != pids[4]


def test_child_sees_the_named_variables_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IDC_TEST_SECRET", "s")
    monkeypatch.setenv("IDC_TEST_NAMED", "n")
    child = Child(ECHO, inherit=["IDC_TEST_NAMED"], environ={"IDC_TEST_GIVEN": "g"})
    names = ("IDC_TEST_SECRET", "IDC_TEST_NAMED", "IDC_TEST_GIVEN")
    seen = [child.ask({"sees": name}, timeout_s=LONG_S)[0]["value"] for name in names]
    child.close()
    assert seen == [None, "n", "g"]


def test_child_sees_every_variable_unless_told_otherwise(
    child: Child, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("IDC_TEST_SECRET", "s")
    assert child.ask({"sees": "IDC_TEST_SECRET"}, timeout_s=LONG_S)[0] == {"value": "s"}


def test_no_child_sees_kaggles_secrets(child: Child, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KAGGLE_API_TOKEN", "s")
    assert child.ask({"sees": "KAGGLE_API_TOKEN"}, timeout_s=LONG_S)[0] == {"value": None}


def test_closed_child_is_gone_and_closing_twice_is_fine(child: Child) -> None:
    child.start()
    pid = child.pid()
    assert pid is not None
    child.close()
    child.close()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_threads_get_their_own_answers(child: Child) -> None:
    wrong: list[int] = []

    def ask(n: int) -> None:
        for _ in range(20):
            header, block = child.ask({"n": n}, bytes([n]), timeout_s=LONG_S)
            if header["echo"] != {"n": n} or block != bytes([n]):
                wrong.append(n)

    threads = [threading.Thread(target=ask, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_idle_child_ends_and_the_next_question_starts_another() -> None:
    child = Child(ECHO, max_idle_s=0.2)
    first = child.ask({}, timeout_s=LONG_S)[0]["pid"]

    wait_until(lambda: child.pid() is None, "the idle child has ended")

    assert child.ask({}, timeout_s=LONG_S)[0]["pid"] != first
    child.close()


def test_request_postpones_the_end_of_an_idle_child() -> None:
    child = Child(ECHO, max_idle_s=LONG_S)
    child.ask({}, timeout_s=LONG_S)
    first_timer = child._idle_timer
    child.ask({}, timeout_s=LONG_S)

    assert first_timer is not None and first_timer.finished.is_set()
    assert child.pid() is not None
    child.close()
