import base64
import json

import cv2
import numpy as np
import pytest

from idc.datasets.store import PackReport, list_stores, open_store, verify_store
from idc.ingest import packing_worker
from idc.ingest.layouts.plan import PackOptions
from idc.ingest.plan_packing import PackPreview
from tests.support.made_patches import write_patches_zip
from tests.support.picture_trees import write_tree


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


def test_preview_packs_nothing_and_shows_pictures_of_each_class(home, tmp_path, capsys):
    write_tree(tmp_path, ["cats/a.png", "cats/b.png", "dogs/c.png"])

    assert packing_worker.main(["--preview", "a", "--", str(tmp_path)]) == 0

    (end,) = said(capsys)
    preview = PackPreview.from_json(end["preview"])
    assert preview.classes == {"cats": 2, "dogs": 1}
    assert preview.question.startswith("Which class is positive?")
    strip = cv2.imdecode(np.frombuffer(base64.b64decode(end["sheet"]["cats"]), np.uint8), -1)
    assert strip.shape == (96, 2 * 96 + 4, 4)
    assert list_stores() == []


def test_options_as_json_are_obeyed(home, tmp_path, capsys):
    write_tree(tmp_path, ["cats/a.png", "dogs/c.png"])
    options = json.dumps(PackOptions(positive=("cats",), side_px=64).to_json())

    assert packing_worker.main(["a", f"--options={options}", "--", str(tmp_path)]) == 0

    assert open_store("a").description.class_names == ("dogs", "cats")
    assert open_store("a").patches.shape == (2, 64, 64, 3)


def test_rare_class_is_shown_even_where_the_sample_misses_it(home, tmp_path, capsys):
    names = [f"cats/{number:03}.png" for number in range(300)]
    write_tree(tmp_path, [*names, "cows/a.png", "dogs/b.png", "dogs/c.png"])
    options = json.dumps(PackOptions(positive=("cows",)).to_json())

    assert packing_worker.main(["--preview", "a", f"--options={options}", "--", str(tmp_path)]) == 0

    assert list(said(capsys)[0]["sheet"]) == ["cats", "cows", "dogs"]
