from types import SimpleNamespace

import numpy as np
import pytest

from idc.training.history import RestoredCheckpoint
from tests.training.observers.states import entry, state_at

pytestmark = pytest.mark.slow  # imports TensorFlow


@pytest.fixture
def calls(monkeypatch):
    """The files that are written, in order, by name."""
    from idc.training.observers import outputs

    calls = []
    monkeypatch.setattr(
        outputs, "save_first_filters", lambda folder, model, epoch: calls.append(("filters", epoch))
    )
    monkeypatch.setattr(outputs, "describe_environment", lambda store: {})
    monkeypatch.setattr(outputs, "write_checked_json", lambda path, _: calls.append(path.name))
    monkeypatch.setattr(
        outputs, "save_best_weights", lambda run, model, scores: calls.append(("best", scores))
    )
    monkeypatch.setattr(
        outputs,
        "save_predictions",
        lambda run, split, y_probs: calls.append(("predictions", y_probs["validation"].tolist())),
    )
    return calls


@pytest.fixture
def observer(tmp_path):
    from idc.training.observers.outputs import OutputObserver

    run = SimpleNamespace(folder=tmp_path)
    return OutputObserver(SimpleNamespace(run=run, store=None, split=None, model=None))


@pytest.mark.parametrize(
    ("step", "files"),
    [(0, [("filters", 2), "environment.json"]), (3, ["environment.json"])],
)
def test_start_within_an_epoch_writes_no_filters(observer, calls, step, files):
    observer.on_train_begin(state_at(2, step, restored=RestoredCheckpoint(epoch=2, step=step)))

    assert calls == files


@pytest.mark.parametrize("best", [True, False])
def test_only_the_best_epoch_writes_weights_and_predictions(observer, calls, best):
    state = state_at(epoch=1)
    state.history.best = {"epoch": 1, "val_loss": 0.4, "val_roc_auc": 0.8}

    observer.on_validation_end(state, entry(1, best=best), np.array([0.25, 0.5]))

    files = [("best", state.history.best), ("predictions", [0.25, 0.5])]
    assert calls == (files if best else [])


def test_every_epoch_writes_its_filters(observer, calls):
    observer.on_epoch_end(state_at(epoch=3), entry(3))

    assert calls == [("filters", 3)]
