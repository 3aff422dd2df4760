import json

import pytest

from idc.datasets.store import PackReport, open_store, verify_store
from idc.ingest import packing_worker
from tests.support.made_patches import write_patches_zip


@pytest.fixture(autouse=True)
def own_process_stays_as_it_is(monkeypatch):
    monkeypatch.setattr(packing_worker.os, "nice", lambda _: 0)
    monkeypatch.setattr(packing_worker.signal, "signal", lambda *_: None)


def said(capsys):
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_worker_prints_progress_and_then_the_report(home, tmp_path, capsys):
    source = write_patches_zip(tmp_path / "a.zip", "8863_idx5_x1_y1_class0.png")

    assert packing_worker.main(["a", "--", str(source)]) == 0

    progress, end = said(capsys)
    assert progress == {"done": 1, "total": 1}
    assert PackReport.from_json(end["report"]) == PackReport(sources=("a.zip",))
    assert verify_store("a") == (1, 1)


def test_class_folders_are_packed_with_labels_by_folder(home, tmp_path, capsys):
    names = ("0/a.png", "0/b.png", "1/c.png")
    source = write_patches_zip(tmp_path / "a.zip", *names)

    assert packing_worker.main(["a", "--", str(source)]) == 0

    assert PackReport.from_json(said(capsys)[-1]["report"]).layout == "class folders"
    assert sorted(open_store("a").labels.tolist()) == [0, 0, 1]


def test_worker_prints_the_problem(home, tmp_path, capsys):
    assert packing_worker.main(["a", "--", str(tmp_path / "gone")]) == 2

    (end,) = said(capsys)
    assert end["problem"].startswith("There is no file or folder at '")
