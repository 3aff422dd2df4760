import hashlib
import json
import os

import pytest

from idc.files import atomic


def test_file_is_replaced_whole_and_nothing_stays_beside_it(tmp_path):
    path = tmp_path / "status.json"
    path.write_bytes(b"a much longer old content")

    atomic.replace_file(path, b"new")

    assert path.read_bytes() == b"new"
    assert os.listdir(tmp_path) == ["status.json"]


def test_failed_replacement_leaves_the_old_file_alone(tmp_path, monkeypatch):
    path = tmp_path / "status.json"
    path.write_bytes(b"old")

    def fail(_descriptor):
        raise OSError("no space left")

    monkeypatch.setattr(atomic.os, "fsync", fail)
    with pytest.raises(OSError, match="no space left"):
        atomic.replace_file(path, b"new")

    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["status.json"]


def test_bytes_are_on_the_disk_before_they_take_the_name(tmp_path, monkeypatch):
    path = tmp_path / "status.json"
    path.write_bytes(b"old")
    seen = []
    monkeypatch.setattr(atomic.os, "fsync", lambda _descriptor: seen.append(path.read_bytes()))

    atomic.replace_file(path, b"new")

    assert seen == [b"old", b"new"]  # the file itself, then its name in the folder


def test_two_writers_at_once_do_not_take_each_others_file(tmp_path, monkeypatch):
    path = tmp_path / "control.json"
    others = [b"the other writer's"]

    def other_writer_comes_between(_descriptor):
        if others:
            atomic.replace_file(path, others.pop())

    monkeypatch.setattr(atomic.os, "fsync", other_writer_comes_between)
    atomic.replace_file(path, b"ours")

    assert path.read_bytes() == b"ours"
    assert os.listdir(tmp_path) == ["control.json"]


def test_json_is_utf_8_that_people_can_read(tmp_path):
    path = tmp_path / "config.json"

    atomic.replace_json(path, {"name": "Düsseldorf", "n": None})

    assert path.read_text(encoding="utf-8") == '{\n "name": "Düsseldorf",\n "n": null\n}\n'
    assert json.loads(path.read_bytes()) == {"name": "Düsseldorf", "n": None}


def test_value_that_is_not_json_changes_nothing(tmp_path):
    path = tmp_path / "config.json"
    path.write_bytes(b"old")

    with pytest.raises(TypeError):
        atomic.replace_json(path, {"n": object()})

    assert path.read_bytes() == b"old"


def test_sha256_is_of_the_whole_file(tmp_path):
    content = bytes(range(256)) * 4_096  # more than one read
    (tmp_path / "weights").write_bytes(content)

    digest = atomic.file_sha256(tmp_path / "weights")

    assert digest == hashlib.sha256(content).hexdigest()


def test_file_written_by_its_name_takes_its_place_when_all_went_well(tmp_path):
    path = tmp_path / "best.weights.h5"
    path.write_bytes(b"old")

    with atomic.replacement_path(path) as beside:
        beside.write_bytes(b"new")
        assert (path.read_bytes(), beside.suffixes) == (b"old", [".best", ".weights", ".h5"])

    assert path.read_bytes() == b"new"
    assert os.listdir(tmp_path) == ["best.weights.h5"]


def test_file_written_by_its_name_is_gone_when_its_writer_failed(tmp_path):
    path = tmp_path / "best.weights.h5"
    path.write_bytes(b"old")

    with pytest.raises(OSError, match="full"), atomic.replacement_path(path) as beside:
        beside.write_bytes(b"ne")
        raise OSError("full")

    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["best.weights.h5"]


def test_leftovers_of_killed_writers_are_removed_and_nothing_else(tmp_path):
    (tmp_path / "checkpoints").mkdir()
    for name in (".status.json.ab12.new", ".new.model.keras", "checkpoints/.epoch.npz.cd34.new"):
        (tmp_path / name).write_bytes(b"half")
    (tmp_path / "status.json").write_bytes(b"whole")

    atomic.remove_leftovers(tmp_path)

    assert sorted(path.name for path in tmp_path.rglob("*")) == ["checkpoints", "status.json"]
    assert os.listdir(tmp_path / "checkpoints") == []


def test_files_that_others_may_be_writing_are_spared(tmp_path):
    for name in (".control.json.ab12.new", ".status.json.cd34.new"):
        (tmp_path / name).write_bytes(b"half")

    atomic.remove_leftovers(tmp_path, keep_names=("control.json",))

    assert os.listdir(tmp_path) == [".control.json.ab12.new"]
