import gc

import pytest

from idc.server import garbage_collection
from idc.server.garbage_collection import freeze_imports


@pytest.fixture(autouse=True)
def thawed(monkeypatch):
    """Start as in a fresh server; unfreeze everything afterwards."""
    monkeypatch.setattr(garbage_collection, "_frozen_module_count", 0)
    yield
    gc.unfreeze()


def test_imported_modules_are_frozen_once():
    freeze_imports()
    frozen = gc.get_freeze_count()
    made_later = [[] for _ in range(100)]
    freeze_imports()  # no module was imported since

    assert frozen > 10_000
    assert gc.get_freeze_count() <= frozen
    assert all(any(found is one for found in gc.get_objects()) for one in made_later[:3])


def test_garbage_is_collected_before_freezing():
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
