"""Data sets and runs go to the trash and come back, unless a training uses them."""

import shutil

import pytest

from idc.__main__ import main
from idc.datasets.store import list_stores, open_store, verify_store
from idc.datasets.store_trash import delete_store, deleted_stores
from idc.datasets.store_writer import store_lock
from idc.errors import DataError, IdcError
from idc.files.home import data_dir, runs_dir
from idc.launch.deletion import delete_data_set, delete_named, restore_named
from idc.launch.start import create_run
from idc.runs.run import CONFIG_FILE, RunStatus, list_runs
from idc.runs.trash import deleted_runs
from idc.settings.training_config import TrainingConfig
from tests.support.made_patches import tiny_store


@pytest.fixture
def run(home):
    run = create_run(TrainingConfig(data="a", name="first"))
    run.write_status(RunStatus(state="stopped", epochs=20, epoch=2))
    return run


def test_deleted_data_set_is_restored_whole(home):
    tiny_store("a")

    assert delete_named("a") == "data"
    assert (list_stores(), deleted_stores()) == ([], ["a"])

    assert restore_named("a") == "data"
    assert (list_stores(), deleted_stores()) == (["a"], [])
    verify_store("a")


def test_open_pixels_survive_the_deletion(home):
    opened = tiny_store("a", cases=1, per_case=2)
    before = opened.patches.copy()

    delete_data_set("a")

    assert (opened.patches == before).all()


def test_last_deleted_of_two_with_one_name_comes_back_first(home):
    for cases in (1, 2):
        tiny_store("a", cases=cases)
        delete_data_set("a")
    assert deleted_stores() == ["a"]

    restore_named("a")
    assert len(set(open_store("a").cases)) == 2
    with pytest.raises(DataError, match="There is already a data set 'a'; delete it before"):
        restore_named("a")
    shutil.rmtree(data_dir() / "a")
    restore_named("a")
    assert len(set(open_store("a").cases)) == 1


@pytest.mark.parametrize("file", ["store.json", "index.parquet", "patches.npy"])
def test_damaged_data_set_is_deleted_and_restored(home, file):
    tiny_store("a")
    (data_dir() / "a" / file).unlink()

    delete_named("a")
    restore_named("a")

    assert list_stores() == ["a"]


def test_data_set_being_packed_is_not_deleted(home):
    tiny_store("a")

    with store_lock("a"), pytest.raises(DataError, match="is being packed; cancel the packing"):
        delete_named("a")

    assert list_stores() == ["a"]


def test_data_set_of_a_live_training_is_not_deleted(run):
    tiny_store("a")
    run.write_status(RunStatus(state="running", epochs=20))

    with run.trainer_lock(), pytest.raises(DataError, match="in use by the training 'first'"):
        delete_named("a")

    assert list_stores() == ["a"]


def test_data_set_of_an_ended_training_is_deleted(run):
    tiny_store("a")

    delete_named("a")

    assert list_runs() == [run]


def test_name_of_both_needs_the_kind(run):
    tiny_store("both")
    run.folder.rename(runs_dir() / "both")

    with pytest.raises(IdcError, match="data set and the id of a run; add --data or --run"):
        delete_named("both")
    assert delete_named("both", "run") == "run"
    assert (list_stores(), deleted_runs(), deleted_stores()) == (["both"], ["both"], [])
    assert delete_named("both") == "data"
    with pytest.raises(IdcError, match="deleted data set and the id of a deleted run"):
        restore_named("both")
    assert restore_named("both", "data") == "data"
    assert (list_stores(), deleted_runs()) == (["both"], ["both"])


@pytest.mark.parametrize("file", [CONFIG_FILE, "status.json"])
def test_damaged_run_is_deleted_and_restored(run, file):
    (run.folder / file).write_bytes(b"\xff")

    assert delete_named(run.id) == "run"
    assert deleted_runs() == [run.id]
    restore_named(run.id)

    assert (runs_dir() / run.id / file).read_bytes() == b"\xff"


def test_run_named_like_the_folder_of_data_sets_keeps_its_own_trash(run):
    tiny_store("a")
    delete_store("a")

    assert deleted_runs() == []


@pytest.mark.parametrize("name", ["none", "..", "", "../runs", "x" * 300])
@pytest.mark.parametrize("act", [delete_named, restore_named])
def test_unknown_names_are_refused(home, act, name):
    with pytest.raises(IdcError, match=r"There is no (deleted )?data set or run"):
        act(name)


def test_bundled_model_is_not_deleted_by_name(home):
    with pytest.raises(IdcError, match="The bundled model cannot be deleted"):
        delete_named("bundled")


def test_shell_deletes_and_restores(run, capsys):
    tiny_store("a")

    assert main(["delete", "a"]) == 0
    assert main(["restore", "a", "--data"]) == 0
    assert main(["delete", run.id]) == 0

    assert capsys.readouterr().out.splitlines() == [
        "The data set 'a' is in the trash. To undo: python -m idc restore a --data",
        "The data set 'a' is restored.",
        f"The run '{run.id}' is in the trash. To undo: python -m idc restore {run.id} --run",
    ]
