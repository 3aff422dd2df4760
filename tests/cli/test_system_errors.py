"""Full disks, closed pipes and impossible homes end a command with one sentence."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from idc import __main__
from idc.__main__ import main


def real_shell(*words, output, home):
    """Run a command whose standard output is the file ``output``."""
    with Path(output).open("wb") as file:
        return subprocess.run(
            [sys.executable, "-m", "idc", *words],
            stdout=file,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "IDC_HOME": str(home)},
        )


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_output_to_a_full_disk_is_one_sentence(home):
    ended = real_shell("runs", output="/dev/full", home=home)

    assert ended.stderr == (
        "idc: The output cannot be written: the disk is full. Free some space.\n"
    )
    assert ended.returncode == 2


@pytest.mark.parametrize("path", ["~nosuchuser/x", "/tmp/" + "x" * 300, "/dev/null"])
def test_home_that_cannot_be_a_folder_is_named(path, monkeypatch, capsys):
    monkeypatch.setenv("IDC_HOME", path)

    assert main(["runs"]) == 2
    errors = capsys.readouterr().err
    assert errors.startswith(f"idc: IDC_HOME is '{path[:100]}', which ")
    assert errors.count("\n") == 1


def fail_with(monkeypatch, error):
    def fail(_options):
        raise error

    monkeypatch.setitem(__main__._COMMANDS, "runs", fail)


def test_system_error_names_its_file(monkeypatch, capsys):
    fail_with(monkeypatch, IsADirectoryError(21, "Is a directory", "log.jsonl"))

    assert main(["runs"]) == 2
    assert capsys.readouterr().err == (
        "idc: 'log.jsonl' cannot be read or written (Is a directory); check the disk and the "
        "file's permissions.\n"
    )


def test_bug_is_one_sentence_that_says_how_to_see_more(monkeypatch, capsys):
    monkeypatch.delenv("IDC_TRACEBACK", raising=False)
    fail_with(monkeypatch, KeyError("epoch"))

    assert main(["runs"]) == 2
    assert capsys.readouterr().err == (
        "idc: An error in IDC Lab or in a file: KeyError: 'epoch'. Set IDC_TRACEBACK=1 to see "
        "where.\n"
    )


def test_bug_shows_its_traceback_on_request(monkeypatch):
    monkeypatch.setenv("IDC_TRACEBACK", "1")
    fail_with(monkeypatch, KeyError("epoch"))

    with pytest.raises(KeyError):
        main(["runs"])
