import json

import pytest

import idc.demo
from idc import packer
from idc.datasets.store import PackReport, verify_store
from tests.support.made_patches import write_patches_zip


@pytest.fixture(autouse=True)
def own_process_stays_as_it_is(monkeypatch):
    monkeypatch.setattr(packer.os, "nice", lambda _: 0)
    monkeypatch.setattr(packer.signal, "signal", lambda *_: None)


def said(capsys):
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_packer_says_how_far_it_is_and_at_last_the_report(home, tmp_path, capsys):
    source = write_patches_zip(tmp_path / "a.zip", "8863_idx5_x1_y1_class0.png")

    assert packer.main(["a", "--", str(source)]) == 0

    progress, end = said(capsys)
    assert progress == {"done": 1, "total": 1}
    assert PackReport.from_json(end["report"]) == PackReport(sources=("a.zip",))
    assert verify_store("a") == (1, 1)


def test_packer_says_what_is_wrong(home, tmp_path, capsys):
    assert packer.main(["a", "--", str(tmp_path / "gone")]) == 2

    (end,) = said(capsys)
    assert end["problem"].startswith("There is no file or folder at '")


def test_packer_makes_demo_tissue(home, monkeypatch, capsys):
    def pack_demo(name, on_progress):
        on_progress(12, 12)
        return PackReport(sources=(name,), generated=True)

    monkeypatch.setattr(idc.demo, "pack_demo", pack_demo)

    assert packer.main(["demo", "--demo"]) == 0

    progress, end = said(capsys)
    assert progress == {"done": 12, "total": 12}
    assert PackReport.from_json(end["report"]) == PackReport(sources=("demo",), generated=True)
