"""A training's state with literal numbers, on a clock that the test sets."""

from idc.training.history import EpochInProgress, History, RestoredCheckpoint
from idc.training.state import TrainingState
from idc.training.timing import SpeedMeter, Stopwatch


class FakeStopwatch(Stopwatch):
    """Shows ``now``, which the test sets."""

    now = 0.0

    def seconds(self):
        return self.now


def entry(epoch, **values):
    """A finished epoch, as the log holds it."""
    scores = {"val_loss": 0.4, "val_roc_auc": 0.8, "best": True}
    times = {"seconds": 60.0, "elapsed_s": 60.0 * epoch}
    return {"epoch": epoch, "loss": 0.5, "accuracy": 0.75, **scores, **times, **values}


def state_at(epoch=0, step=0, *, epochs=4, steps=10, **values):
    """A state after ``epoch`` epochs and ``step`` steps: 100 patches train, batches of 10."""
    history = History(epochs=[entry(number) for number in range(1, epoch + 1)])
    history.under_way = EpochInProgress(step, 0.5, 0.75) if step else None
    stopwatch = FakeStopwatch()
    meter = SpeedMeter(stopwatch, train=100, validation=30, batch_size=10)
    restored = values.pop("restored", RestoredCheckpoint())
    settings = {"patience": None, "patience_from": 0, **values}
    return TrainingState(
        epochs,
        steps,
        settings["patience"],
        settings["patience_from"],
        history,
        restored,
        stopwatch,
        meter,
    )
