"""Home and Dataset: delete a data set, undo, and pack it again, also a damaged one."""

import pytest

from idc.datasets.store import list_stores, open_store
from idc.files.home import data_dir
from idc.ingest.packing import pack
from idc.ingest.packing_job import forget_job, pack_jobs
from tests.support.app_pages import open_page
from tests.support.made_patches import tiny_store, write_patches_zip
from tests.support.waiting import wait_until


@pytest.mark.parametrize("page", ["home", "dataset"])
def test_deleted_data_set_comes_back_by_undo(home, page):
    tiny_store("a")
    at = open_page(page)

    at.button(key="delete_data_a").click().run()
    assert list_stores() == []
    at.button(key="undo_delete_data").click().run()

    assert list_stores() == ["a"]
    assert not at.exception and not at.error


@pytest.mark.parametrize("page", ["home", "dataset"])
@pytest.mark.parametrize("file", ["store.json", "index.parquet", "patches.npy"])
def test_damaged_data_set_is_named_and_can_be_deleted(home, page, file):
    tiny_store("a")
    (data_dir() / "a" / file).write_bytes(b"")
    at = open_page(page)

    assert [error.value for error in at.error] == [
        "The data set 'a' is damaged on disk; pack it again from its source."
    ]
    at.button(key="delete_data_a").click().run()
    assert list_stores() == []


def test_earlier_deleted_data_set_is_restored_from_the_list(home):
    tiny_store("a")
    at = open_page("home")
    at.button(key="delete_data_a").click().run()

    at = open_page("home")
    at.button(key="restore_data").click().run()

    assert list_stores() == ["a"]


def test_data_set_is_packed_again_from_the_page(home, tmp_path):
    source = tmp_path / "two.zip"
    write_patches_zip(source, "8863_idx5_x1_y1_class0.png", "8864_idx5_x1_y1_class1.png")
    pack([source], "two")
    (data_dir() / "two" / "index.parquet").write_bytes(b"")
    at = open_page("home")

    at.button(key="pack_again_two").click().run()
    wait_until(lambda: not any(job.live for job in pack_jobs()), "the packing")
    forget_job("two")

    assert len(open_store("two")) == 2


def test_unknown_source_is_said_on_the_page(home):
    tiny_store("a")
    at = open_page("home")

    at.button(key="pack_again_a").click().run()

    assert at.error[0].value.startswith(
        "It is not recorded what the data set 'a' was packed from. Delete it"
    )
