import hashlib
import json
import os

import pytest

from idc import durable


def test_file_is_replaced_whole_and_nothing_stays_beside_it(tmp_path):
    path = tmp_path / "status.json"
    path.write_bytes(b"a much longer old content")

    durable.replace_file(path, b"new")

    assert path.read_bytes() == b"new"
    assert os.listdir(tmp_path) == ["status.json"]


def test_failed_replacement_leaves_the_old_file_alone(tmp_path, monkeypatch):
    path = tmp_path / "status.json"
    path.write_bytes(b"old")

    def fail(_descriptor):
        raise OSError("no space left")

    monkeypatch.setattr(durable.os, "fsync", fail)
    with pytest.raises(OSError, match="no space left"):
        durable.replace_file(path, b"new")

    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["status.json"]


def test_bytes_are_on_the_disk_before_they_take_the_name(tmp_path, monkeypatch):
    path = tmp_path / "status.json"
    path.write_bytes(b"old")
    seen = []
    monkeypatch.setattr(durable.os, "fsync", lambda _descriptor: seen.append(path.read_bytes()))

    durable.replace_file(path, b"new")

    assert seen == [b"old", b"new"]  # the file itself, then its name in the folder


def test_two_writers_at_once_do_not_take_each_others_file(tmp_path, monkeypatch):
    path = tmp_path / "control.json"
    others = [b"the other writer's"]

    def other_writer_comes_between(_descriptor):
        if others:
            durable.replace_file(path, others.pop())

    monkeypatch.setattr(durable.os, "fsync", other_writer_comes_between)
    durable.replace_file(path, b"ours")

    assert path.read_bytes() == b"ours"
    assert os.listdir(tmp_path) == ["control.json"]


def test_json_is_utf_8_that_people_can_read(tmp_path):
    path = tmp_path / "config.json"

    durable.replace_json(path, {"name": "Düsseldorf", "n": None})

    assert path.read_text(encoding="utf-8") == '{\n "name": "Düsseldorf",\n "n": null\n}\n'
    assert json.loads(path.read_bytes()) == {"name": "Düsseldorf", "n": None}


def test_value_that_is_not_json_changes_nothing(tmp_path):
    path = tmp_path / "config.json"
    path.write_bytes(b"old")

    with pytest.raises(TypeError):
        durable.replace_json(path, {"n": object()})

    assert path.read_bytes() == b"old"


def test_sha256_is_of_the_whole_file(tmp_path):
    content = bytes(range(256)) * 4_096  # more than one read
    (tmp_path / "weights").write_bytes(content)

    digest = durable.file_sha256(tmp_path / "weights")

    assert digest == hashlib.sha256(content).hexdigest()
