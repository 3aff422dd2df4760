"""tests.support.disk_faults: the operations that fail are the requested ones."""

import os
import signal

import pytest

from idc.files import atomic
from tests.support.disk_faults import install_fault


@pytest.mark.parametrize(
    ("fault", "failing"),
    [("ENOSPC 1", [0]), ("EIO 3", [0]), ("EIO 4", [0]), ("EIO 5", [1]), ("EIO 5+", [1, 2])],
)
def test_fault_fails_the_operation_it_names(tmp_path, monkeypatch, fault, failing):
    # one replacement: a write, an fsync, a rename, an fsync of the folder
    install_fault(fault, monkeypatch.setattr)
    failed = []
    for number in range(3):
        try:
            atomic.replace_file(tmp_path / "status.json", b"new")
        except OSError:
            failed.append(number)

    assert failed == failing


def test_failing_write_leaves_half_of_the_bytes(tmp_path, monkeypatch):
    install_fault("ENOSPC 1", monkeypatch.setattr)

    with pytest.raises(OSError, match="No space left"):
        atomic.append_bytes(tmp_path / "log.jsonl", b"abcd")

    assert (tmp_path / "log.jsonl").read_bytes() == b"ab"


@pytest.mark.parametrize("number", range(1, 5))
def test_file_written_by_name_fails_in_each_of_its_operations(tmp_path, monkeypatch, number):
    path = tmp_path / "best.weights.h5"
    path.write_bytes(b"old")
    install_fault(f"EIO {number}", monkeypatch.setattr)

    with pytest.raises(OSError, match="Input/output"), atomic.replacement_path(path) as temp_path:
        temp_path.write_bytes(b"new")

    assert path.read_bytes() == (b"new" if number == 4 else b"old")
    assert os.listdir(tmp_path) == ["best.weights.h5"]


def test_kill_ends_the_process_during_the_write(tmp_path):
    pid = os.fork()
    if pid == 0:
        install_fault("kill 1")
        atomic.append_bytes(tmp_path / "log.jsonl", b"abcd")
        os._exit(0)

    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == -signal.SIGKILL
    assert (tmp_path / "log.jsonl").read_bytes() == b"ab"
