"""A data set is packed again from what it was packed from."""

import pytest

from idc.datasets.store import SOURCE_FILE, list_stores, open_store, verify_store, with_checksum
from idc.errors import DataError
from idc.files.atomic import json_bytes
from idc.files.home import data_dir
from idc.ingest.layouts.plan import PackOptions
from idc.ingest.packing import pack
from idc.ingest.recorded_source import RecordedSource, read_source, record_paths
from idc.shipped.demo import pack_demo
from idc.shipped.pack_again import checked_source, pack_again
from tests.support.made_patches import tiny_store, write_patches_zip


@pytest.fixture
def packed(home, tmp_path):
    """The data set "two", and the zip that it was packed from."""
    source = tmp_path / "two.zip"
    write_patches_zip(source, "8863_idx5_x1_y1_class0.png", "8864_idx5_x1_y1_class1.png")
    pack([source], "two")
    return source


@pytest.mark.parametrize("file", ["store.json", "index.parquet", "patches.npy"])
def test_damaged_data_set_becomes_the_same_again(packed, file):
    fingerprint = open_store("two").fingerprint
    (data_dir() / "two" / file).write_bytes(b"\xff")

    pack_again("two")

    verify_store("two")
    assert open_store("two").fingerprint == fingerprint


def test_missing_source_is_named_and_the_data_set_kept(packed):
    packed.unlink()

    with pytest.raises(DataError, match=r"packed from '.*two\.zip', which is not there any more"):
        pack_again("two")

    assert list_stores() == ["two"]


def test_demo_is_generated_again_with_its_settings(home):
    pack_demo("small", cases=3, seed=7)
    fingerprint = open_store("small").fingerprint
    (data_dir() / "small" / "store.json").unlink()

    pack_again("small")

    assert open_store("small").fingerprint == fingerprint


def test_demo_without_a_record_has_the_default_settings(home):
    tiny_store("demo")

    assert checked_source("demo") == RecordedSource(demo=(("cases", 12), ("seed", 0)))


def record_of(content):
    return json_bytes(with_checksum(content))


@pytest.mark.parametrize(
    "record",
    [
        b"",
        b"[]",
        b"\xff",
        b'{"paths": [], "options": {}}',  # without a checksum
        record_of({}),
        record_of({"paths": 3}),
        record_of({"paths": [], "options": {"x": 1}}),
        record_of({"demo": {"cases": 3}}),
    ],
)
def test_damaged_record_says_what_to_do(packed, record):
    (data_dir() / "two" / SOURCE_FILE).write_bytes(record)

    with pytest.raises(DataError, match="not recorded what the data set 'two' was packed from"):
        pack_again("two")


def test_options_are_recorded(packed, tmp_path):
    options = PackOptions(labels=tmp_path / "labels.csv", positive=("mel",), side_px=32)

    record_paths("two", [packed], options)

    assert read_source("two") == RecordedSource((packed,), options)
