import gc

import pytest

from idc.server import garbage_collection
from idc.server.garbage_collection import freeze_imports


@pytest.fixture(autouse=True)
def thawed(monkeypatch):
    """As a server that has just started; afterwards the collector sees everything again."""
    monkeypatch.setattr(garbage_collection, "_frozen_module_count", 0)
    yield
    gc.unfreeze()


def test_imported_modules_leave_the_collectors_sight_once():
    freeze_imports()
    frozen = gc.get_freeze_count()
    made_later = [[] for _ in range(100)]
    freeze_imports()  # nothing was imported meanwhile

    assert frozen > 10_000
    assert gc.get_freeze_count() <= frozen
    assert all(any(found is one for found in gc.get_objects()) for one in made_later[:3])


def test_garbage_is_collected_before_not_kept_for_ever():
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
        freeze_imports()
    finally:
        gc.enable()

    assert Ring.alive == 0
