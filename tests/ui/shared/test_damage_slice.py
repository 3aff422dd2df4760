"""A slice of ``bench/damage_sweep.py``: no damage crashes a page or changes it in silence."""

import importlib.util
import sys
from pathlib import Path

import pytest

from idc.datasets.label_marks import Mark, save_mark
from tests.support.evaluated_run import evaluated_run

_FILE = Path(__file__).resolve().parents[3] / "bench" / "damage_sweep.py"
_SPEC = importlib.util.spec_from_file_location("damage_sweep", _FILE)
damage_sweep = importlib.util.module_from_spec(_SPEC)


@pytest.fixture(scope="module", autouse=True)
def loaded():
    sys.modules["damage_sweep"] = damage_sweep
    _SPEC.loader.exec_module(damage_sweep)


@pytest.mark.parametrize(
    ("file", "damage", "page"),
    [
        ("marks.sqlite3", "not UTF-8", "labels"),
        ("predictions.parquet", "folder", "evaluate"),
        ("predictions.parquet", "emptied", "compare"),
        ("log.jsonl", "folder", "train"),
        ("index.parquet", "flipped 50", "dataset"),
        ("store.json", "removed", "home"),
    ],
)
def test_damage_is_the_same_or_named(home, file, damage, page):
    run = evaluated_run()
    (run.folder / "log.jsonl").touch()
    save_mark(Mark("tiny", 1, 1, 1, 0, "keep", "Ann"))
    query = {"data": "tiny", "run": run.id}
    intact = damage_sweep.view_page(page, query)
    (path,) = home.rglob(file)

    names = damage_sweep.names_of(path, home)

    with damage_sweep.damaged_file(path, damage):
        damaged = damage_sweep.view_page(page, query)

    assert intact.crashes == ()
    assert damage_sweep.verdict(intact, damaged, names) in ("same", "named"), damaged
