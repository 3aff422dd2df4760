import pytest

from idc.training.observers.tensorboard import TensorBoardObserver
from tests.training.observers.states import entry, state_at


class Writer:
    """Records what is written."""

    def __init__(self):
        self.scalars, self.flushed, self.closed = [], 0, False

    def add_scalar(self, tag, value, step):
        self.scalars.append((tag, value, step))

    def flush(self):
        self.flushed += 1

    def close(self):
        self.closed = True


@pytest.fixture
def observer(tmp_path, monkeypatch):
    monkeypatch.setattr(
        "idc.training.observers.tensorboard.importlib.util.find_spec", lambda name: None
    )
    observer = TensorBoardObserver(tmp_path)
    observer._writer = Writer()
    return observer


def test_steps_are_counted_through_all_epochs(observer):
    logs = {"batch_loss": 0.5, "batch_accuracy": 0.75}

    observer.on_log_step(state_at(epoch=2, step=3), logs)

    assert observer._writer.scalars == [("step/loss", 0.5, 23), ("step/accuracy", 0.75, 23)]


def test_epoch_writes_its_defined_scores_and_flushes(observer):
    values = {"val_roc_auc": None, "val_worst": [["8863_1_1", 0.9]]}

    observer.on_epoch_saved(state_at(epoch=1), entry(1, **values), None)

    assert observer._writer.scalars == [
        ("epoch/loss", 0.5, 1),
        ("epoch/accuracy", 0.75, 1),
        ("epoch/val_loss", 0.4, 1),
    ]
    assert observer._writer.flushed == 1


def test_file_is_closed(observer):
    observer.close()

    assert observer._writer.closed


def test_without_the_package_nothing_is_written(observer, tmp_path):
    observer._writer = None

    observer.on_log_step(state_at(step=1), {"batch_loss": 0.5, "batch_accuracy": 0.75})
    observer.on_epoch_saved(state_at(epoch=1), entry(1), None)
    observer.close()

    assert list(tmp_path.iterdir()) == []
