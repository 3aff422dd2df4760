"""Damaged runs are listed with what can still be done, and no list hides them."""

import json
import time

import pytest

from idc.__main__ import main
from idc.launch.start import create_run
from idc.runs.run import BEST_FILE, CONFIG_FILE, ENVIRONMENT_FILE, list_damaged_runs, list_runs
from idc.runs.status import STATUS_FILE
from tests.support.evaluated_run import evaluated_run


def cut_short(path):
    path.write_bytes(path.read_bytes()[:9])


def emptied(path):
    path.write_bytes(b"")


def not_utf8(path):
    path.write_bytes(b"\xff\xfe")


def removed(path):
    path.unlink()


def replaced_by_a_folder(path):
    path.unlink()
    path.mkdir()


def one_digit_changed(path):
    content = path.read_bytes()
    at = next(at for at, byte in enumerate(content) if chr(byte).isdigit())
    path.write_bytes(content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :])


DAMAGES = [cut_short, emptied, not_utf8, removed, replaced_by_a_folder, one_digit_changed]


@pytest.fixture
def run(home):
    return evaluated_run()


@pytest.mark.parametrize("damage", DAMAGES)
def test_run_with_damaged_status_is_listed_and_can_be_evaluated(run, damage):
    damage(run.folder / STATUS_FILE)

    assert list_runs() == []
    [damaged] = list_damaged_runs()
    assert (damaged.id, damaged.can_evaluate()) == (run.id, True)
    assert damaged.problem == (
        f"The status of the run '{run.id}' is damaged on disk; evaluate the run or delete it."
    )


@pytest.mark.parametrize("damage", DAMAGES)
def test_run_with_damaged_settings_is_listed_and_can_be_deleted(run, damage):
    damage(run.folder / CONFIG_FILE)

    assert list_runs() == []
    [damaged] = list_damaged_runs()
    assert (damaged.id, damaged.can_evaluate()) == (run.id, False)
    assert damaged.problem == (
        f"The settings of the run '{run.id}' are damaged on disk; delete the run."
    )


@pytest.mark.parametrize(("name", "can_evaluate"), [(BEST_FILE, True), (ENVIRONMENT_FILE, False)])
def test_run_with_other_damaged_descriptions_is_listed(run, name, can_evaluate):
    (run.folder / name).write_text("{")

    assert list_runs() == []
    [damaged] = list_damaged_runs()
    assert damaged.can_evaluate() == can_evaluate
    assert damaged.problem.startswith(f"'{name}' of the run '{run.id}' is damaged on disk (")


def test_status_with_an_unknown_state_is_damaged(run):
    status = {"state": "finishef", "epochs": 1}
    (run.folder / STATUS_FILE).write_text(json.dumps(status))

    assert [damaged.id for damaged in list_damaged_runs()] == [run.id]


def test_folders_that_are_no_runs_are_not_listed(run):
    (run.folder.parent / "notes").mkdir()
    (run.folder.parent / ".hidden").mkdir()
    (run.folder.parent / ".hidden" / STATUS_FILE).touch()
    (run.folder.parent / "a file").touch()

    assert list_damaged_runs() == []
    assert list_runs() == [run]


def test_shell_lists_damaged_runs_and_evaluates_them(run, capsys):
    whole = create_run(run.config)
    whole.write_status(whole.status().__class__("finished", epochs=1, updated=time.time()))
    (run.folder / STATUS_FILE).write_text("{")

    assert main(["runs"]) == 0
    listed = capsys.readouterr().out.splitlines()
    assert [line.split()[:2] for line in listed[1:]] == [
        [whole.id, "finished"],
        [run.id, "damaged"],
    ]
    assert main(["runs", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert [row["state"] for row in rows] == ["finished", "damaged"]
    assert main(["evaluate", run.id]) == 0


def test_shell_names_what_the_log_lacks(run, capsys):
    (run.folder / "log.jsonl").write_text("")

    assert main(["runs"]) == 0
    assert capsys.readouterr().err == (
        f"{run.id}: The log lacks epoch 1, so the curves are incomplete.\n"
    )
