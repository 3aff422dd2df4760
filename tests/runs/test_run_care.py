"""What people do with a run besides training it: name it, note, delete, take back."""

import pytest

from idc.errors import RunError
from idc.launch.start import create_run
from idc.runs.notes import NOTES_FILE, RunNotes, write_notes
from idc.runs.run import BUNDLED_RUN_ID, CONFIG_FILE, RunStatus, list_runs, open_run
from idc.runs.trash import delete_run, deleted_runs, restore_run
from idc.settings.training_config import TrainingConfig
from tests.support.disk_faults import install_fault


@pytest.fixture
def run(home):
    run = create_run(TrainingConfig(data="a", name="first"))
    run.write_status(RunStatus(state="stopped", epochs=20, epoch=2))
    return run


def test_notes_change_without_changing_settings(run):
    settings = (run.folder / CONFIG_FILE).read_bytes()

    write_notes(run.folder, RunNotes("better name", "lr too high?\nsee run 3"))

    again = open_run(run.id)
    assert (again.title, again.notes().notes) == ("better name", "lr too high?\nsee run 3")
    assert (run.folder / CONFIG_FILE).read_bytes() == settings


def test_empty_name_falls_back_to_the_id(run):
    write_notes(run.folder, RunNotes(""))

    assert run.title == run.id


@pytest.mark.parametrize("content", ["", "{", "[]", '{"name": 1}'])
def test_damaged_notes_do_not_hide_the_run(run, content):
    (run.folder / NOTES_FILE).write_text(content)

    assert [found.title for found in list_runs()] == ["first"]


@pytest.mark.parametrize(
    ("notes", "sentence"),
    [
        (RunNotes("x" * 81), "The name of a run may have at most 80 characters. Received: 81"),
        (
            RunNotes("", "x" * 2_001),
            "Notes on a run may have at most 2,000 characters. Received: 2,001",
        ),
    ],
)
def test_too_long_notes_are_refused(run, notes, sentence):
    with pytest.raises(RunError, match=sentence):
        write_notes(run.folder, notes)


def test_notes_on_a_full_disk_raise_run_error(run, monkeypatch):
    install_fault("ENOSPC 1+", monkeypatch.setattr)

    with pytest.raises(RunError, match=r"could not be written \(No space left on device\)"):
        write_notes(run.folder, RunNotes("new"))

    assert run.title == "first"


def test_deleted_run_can_be_restored_completely(run, home):
    files = {path.name: path.read_bytes() for path in run.folder.iterdir()}

    delete_run(run)
    assert (list_runs(), deleted_runs()) == ([], [run.id])
    assert (home / "trash" / run.id).is_dir()

    restore_run(run.id)
    assert (list_runs(), deleted_runs()) == ([run], [])
    for name, content in files.items():
        assert (run.folder / name).read_bytes() == content


def test_live_run_is_not_deleted(run):
    run.write_status(RunStatus(state="running", epochs=20))

    with (
        run.trainer_lock(),
        pytest.raises(RunError, match="is active; stop it before you delete it"),
    ):
        delete_run(run)

    assert list_runs() == [run]


def test_bundled_model_is_not_deleted(home):
    with pytest.raises(RunError, match="cannot be deleted"):
        delete_run(open_run(BUNDLED_RUN_ID))


@pytest.mark.parametrize("run_id", ["none", "..", "../runs", ""])
def test_only_runs_in_the_trash_are_restored(run, run_id):
    with pytest.raises(RunError, match="There is no deleted run"):
        restore_run(run_id)
