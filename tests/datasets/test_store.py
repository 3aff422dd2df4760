"""idc.datasets.store: opening, read-only pixels, and detection of every damaged byte."""

import json
import os
import sys
from pathlib import Path

import numpy as np
import pytest

from idc.datasets import store
from idc.datasets.store import (
    INDEX_FILE,
    META_FILE,
    PATCHES_FILE,
    PackReport,
    check_store_name,
    is_current,
    list_stores,
    open_store,
    verify_store,
    with_checksum,
)
from idc.datasets.store_trash import delete_store
from idc.datasets.store_writer import Patch, StoreWriter
from idc.errors import DataError
from idc.patches import PatchName
from tests.support.made_patches import tiny_store

DAMAGED = "The data set 'a' is damaged on disk; pack it again from its source."


def _mapped_kb():
    """Resident memory of this process in mapped files."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(status.split("RssFile:")[1].split()[0])


def unnoticed_flips(path, positions, look, patterns=(0xFF,)):
    """The positions at which a flipped byte raises no DataError about damage."""
    whole = path.read_bytes()
    unnoticed = []
    with path.open("r+b", buffering=0) as file:
        for position in positions:
            for pattern in patterns:
                file.seek(position)
                file.write(bytes([whole[position] ^ pattern]))
                try:
                    look("a")
                    unnoticed.append((position, pattern))
                except DataError:
                    pass
            file.seek(position)
            file.write(whole[position : position + 1])
    return unnoticed


# Opening


def test_opened_store_has_its_patches_and_their_index(home):
    tiny_store("a", cases=2, per_case=3)

    store = open_store("a")

    assert (store.name, len(store)) == ("a", 6)
    assert store.cases.tolist() == [1, 1, 1, 2, 2, 2]
    assert store.labels.tolist() == [0, 1, 0, 0, 1, 0]
    assert (store.patches.shape, store.patches.dtype) == ((6, 50, 50, 3), np.uint8)
    assert store.report == PackReport(sources=("made by hand",))
    assert store.index.dtypes.astype(str).to_dict() == {
        "case": "int32",
        "x": "int32",
        "y": "int32",
        "label": "int8",
        "height": "int16",
        "width": "int16",
    }


def test_pixels_are_a_read_only_map_of_the_file(home):
    store = tiny_store("a")

    assert isinstance(store.patches, np.memmap)
    with pytest.raises(ValueError, match="read-only"):
        store.patches[0, 0, 0, 0] = 1


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux says what a process has mapped")
def test_released_pages_leave_memory_and_can_be_read_again(home):
    store = tiny_store("a", cases=1, per_case=1_000)  # 7.5 MB
    before = int(store.patches.sum())
    read_kb = _mapped_kb()

    store.release_pages()

    assert read_kb - _mapped_kb() > 6_000
    assert int(store.patches.sum()) == before


def test_patches_file_is_plain_numpy(home):
    store = tiny_store("a")

    loaded = np.load(home / "data" / "a" / PATCHES_FILE)

    assert np.array_equal(loaded, store.patches)


def test_report_round_trips_through_the_store(home):
    report = PackReport(
        sources=("ü.zip", "folder"),
        second_copies=1,
        damaged=2,
        damaged_names=("one.png", "two.png"),
        foreign=3,
        resized=4,
        generated=True,
    )

    tiny_store("a")
    folder = home / "data" / "a"
    meta = json.loads((folder / META_FILE).read_text())
    del meta["self_sha256"]
    meta["report"] = json.loads(json.dumps(vars(report)))
    (folder / META_FILE).write_text(json.dumps(with_checksum(meta)))

    assert open_store("a").report == report


def test_unknown_name_error_lists_the_existing_names(home):
    tiny_store("one")
    tiny_store("two")

    with pytest.raises(DataError, match=r"no data set named 'three' \(existing: one, two\); pack"):
        open_store("three")


def test_unknown_name_error_without_any_store(home):
    with pytest.raises(DataError, match=r"\(existing: none yet\); pack one first"):
        open_store("a")


def test_store_of_another_version_is_refused(home):
    tiny_store("a")
    path = home / "data" / "a" / META_FILE
    meta = json.loads(path.read_text())
    del meta["self_sha256"]
    path.write_text(json.dumps(with_checksum({**meta, "format": 2})))

    with pytest.raises(DataError, match="packed by another version of IDC Lab; pack it again"):
        open_store("a")


@pytest.mark.parametrize("look", [open_store, verify_store])
@pytest.mark.parametrize("file", [INDEX_FILE, PATCHES_FILE])
def test_missing_file_counts_as_damage(home, look, file):
    tiny_store("a")
    (home / "data" / "a" / file).unlink()

    with pytest.raises(DataError, match=DAMAGED):
        look("a")


@pytest.mark.parametrize("look", [open_store, verify_store])
@pytest.mark.parametrize("file", [META_FILE, INDEX_FILE, PATCHES_FILE])
@pytest.mark.parametrize("kept", [0, 1, 100, -2])
def test_truncated_file_counts_as_damage(home, look, file, kept):
    tiny_store("a")
    path = home / "data" / "a" / file
    path.write_bytes(path.read_bytes()[:kept])

    with pytest.raises(DataError, match=DAMAGED):
        look("a")


# Verifying


def test_intact_store_passes_verification(home):
    tiny_store("a", cases=3, per_case=4)
    progress = []

    counted = verify_store("a", on_progress=lambda *step: progress.append(step))

    size = (home / "data" / "a" / PATCHES_FILE).stat().st_size
    assert counted == (12, 3)
    assert progress == [(size, size)]


def test_verify_finds_every_flipped_bit_of_store_json(home):
    tiny_store("a", cases=1, per_case=2)
    path = home / "data" / "a" / META_FILE
    positions = range(path.stat().st_size)

    bits = [1 << bit for bit in range(8)]
    blank_to_break = ord(" ") ^ ord("\n")  # both are blanks in JSON
    assert unnoticed_flips(path, positions, verify_store, [*bits, blank_to_break, 0xFF]) == []
    assert verify_store("a") == (2, 1)


@pytest.mark.parametrize("look", [open_store, verify_store])
def test_every_flipped_byte_of_the_index_is_found(home, look):
    tiny_store("a", cases=1, per_case=2)
    path = home / "data" / "a" / INDEX_FILE
    positions = range(path.stat().st_size)

    assert unnoticed_flips(path, positions, look) == []
    assert verify_store("a") == (2, 1)


@pytest.mark.parametrize("look", [open_store, verify_store])
def test_every_flipped_byte_of_the_pixels_header_is_found(home, look):
    tiny_store("a", cases=1, per_case=2)
    path = home / "data" / "a" / PATCHES_FILE
    header = range(path.stat().st_size - 2 * 7_500)

    assert len(header) == 128
    assert unnoticed_flips(path, header, look, [1, 0x20, 0xFF]) == []


def test_verify_finds_flipped_pixels_anywhere(home):
    tiny_store("a", cases=1, per_case=2)
    path = home / "data" / "a" / PATCHES_FILE
    size = path.stat().st_size

    assert unnoticed_flips(path, [*range(128, size, 37), size - 1], verify_store, [1]) == []
    assert verify_store("a") == (2, 1)


def test_verify_finds_appended_bytes(home):
    tiny_store("a")
    with (home / "data" / "a" / PATCHES_FILE).open("ab") as file:
        file.write(b"\0")

    with pytest.raises(DataError, match=DAMAGED):
        verify_store("a")


def test_files_of_another_store_are_refused(home):
    tiny_store("a", cases=1, per_case=2)
    tiny_store("b", cases=2, per_case=1)  # the same number of patches
    other = home / "data" / "b" / INDEX_FILE
    (home / "data" / "a" / INDEX_FILE).write_bytes(other.read_bytes())

    with pytest.raises(DataError, match=DAMAGED):
        open_store("a")


# Fingerprints


def test_fingerprint_depends_on_the_content_only(home):
    first = tiny_store("a", cases=2, per_case=6).fingerprint

    assert tiny_store("b", cases=2, per_case=6).fingerprint == first


@pytest.mark.parametrize(
    "other",
    [
        {"cases": 2, "per_case": 4},
        {"cases": 1, "per_case": 12},  # the same pixels, as patches of another case
    ],
)
def test_fingerprint_changes_with_pixels_or_cases(home, other):
    first = tiny_store("a", cases=2, per_case=6).fingerprint

    assert tiny_store("b", **other).fingerprint != first


def test_store_is_current_until_replaced_or_deleted(home):
    opened = tiny_store("a", cases=2, per_case=6)
    assert is_current(opened)

    delete_store("a")
    assert not is_current(opened)
    tiny_store("a", cases=2, per_case=4)
    assert not is_current(opened)


def test_store_with_cut_off_pixels_is_not_current(home):
    opened = tiny_store("a", cases=2, per_case=6)
    pixels = home / "data" / "a" / PATCHES_FILE
    os.truncate(pixels, pixels.stat().st_size - 1)

    assert not is_current(opened)


def replace_with(name, *, label, grey, count=2):
    """Replace a store by patches of one label and one grey level."""
    row = [
        Patch(PatchName(1, 1, 1 + 50 * number, label), np.full((50, 50, 3), grey, np.uint8))
        for number in range(count)
    ]
    with StoreWriter(name, count, replace_existing=True) as writer:
        writer.add(row)
        writer.finish(PackReport(sources=("made by hand",)))


@pytest.fixture
def replaced_meanwhile(home, monkeypatch):
    """Replaces the store "a" just before its pixels are opened, ``count`` times."""

    def begin(times, **new):
        replace_with("a", label=0, grey=0)
        looks = []
        look = store._header_is_intact

        def replace_and_look(path, count):
            looks.append(path)
            if len(looks) <= times:
                replace_with("a", label=1, grey=len(looks), **new)
            return look(path, count)

        monkeypatch.setattr(store, "_header_is_intact", replace_and_look)

    return begin


@pytest.mark.parametrize("count", [2, 3])  # with the same count each file alone is valid
def test_store_replaced_during_opening_is_consistent(replaced_meanwhile, count):
    replaced_meanwhile(2, count=count)

    opened = open_store("a")

    assert opened.labels.tolist() == [1] * count
    assert (opened.patches == 2).all()
    assert is_current(opened)


def test_store_replaced_at_every_attempt_raises_data_error(replaced_meanwhile):
    replaced_meanwhile(3)

    with pytest.raises(DataError, match="The data set 'a' is being replaced; try again"):
        open_store("a")


# Names, list, delete


@pytest.mark.parametrize("name", ["a", "IDC-5_cases", "0", "x" * 64])
def test_valid_names_are_accepted(name):
    assert check_store_name(name) == name


@pytest.mark.parametrize(
    "name", ["", "../x", "..", "a/b", "a\\b", ".hidden", "a.b", "a\n", "a\0", "x" * 65, "é"]
)
@pytest.mark.parametrize("look", [check_store_name, open_store, verify_store, delete_store])
def test_names_with_path_tricks_are_refused(home, look, name):
    with pytest.raises(DataError, match="A data set's name has 1 to 64 letters"):
        look(name)


def test_list_is_alphabetical_and_skips_hidden_and_foreign_folders(home):
    tiny_store("b")
    tiny_store("a")
    for foreign in (".c.packing", "no-store", "has.dot"):
        (home / "data" / foreign).mkdir()
    for foreign in (".c.packing", "has.dot"):
        (home / "data" / foreign / META_FILE).write_text("{}")

    assert list_stores() == ["a", "b"]


def test_list_of_a_fresh_home_is_empty(home):
    assert list_stores() == []


def test_deletion_removes_only_the_named_store(home):
    tiny_store("a")
    tiny_store("b")

    delete_store("a")

    assert list_stores() == ["b"]
    assert not (home / "data" / "a").exists()


def test_store_without_its_description_is_listed_as_damaged(home):
    tiny_store("a")
    (home / "data" / "a" / META_FILE).unlink()

    assert list_stores() == ["a"]
    with pytest.raises(DataError, match="The data set 'a' is damaged on disk; pack it again"):
        open_store("a")


def test_deleting_a_missing_store_is_refused(home):
    with pytest.raises(DataError, match="There is no data set named 'a'"):
        delete_store("a")
