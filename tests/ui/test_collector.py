import gc
import sys
import types

import pytest

from idc.ui.collector import freeze_imports


@pytest.fixture(autouse=True)
def thawed():
    yield
    gc.unfreeze()


def test_imported_modules_leave_the_collectors_sight_once(monkeypatch):
    monkeypatch.setitem(sys.modules, "a_new_module", types.ModuleType("a_new_module"))
    freeze_imports()
    frozen = gc.get_freeze_count()
    kept = [[] for _ in range(100)]
    freeze_imports()  # nothing was imported meanwhile

    assert frozen > 10_000
    assert gc.get_freeze_count() <= frozen
    assert len(kept) == 100
    assert len(gc.get_objects()) < frozen


def test_garbage_is_collected_before_not_kept_for_ever(monkeypatch):
    class Ring:
        alive = 0

        def __init__(self):
            Ring.alive += 1
            self.itself = self

        def __del__(self):
            Ring.alive -= 1

    gc.disable()
    try:
        Ring()
        monkeypatch.setitem(sys.modules, "another_module", types.ModuleType("another_module"))
        freeze_imports()
    finally:
        gc.enable()

    assert Ring.alive == 0
