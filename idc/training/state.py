"""Where a training stands: the numbers that change from step to step. Imports no Keras."""

from collections.abc import Mapping
from dataclasses import dataclass

from idc.training.history import EpochInProgress, History, RestoredCheckpoint
from idc.training.timing import SpeedMeter, Stopwatch


@dataclass
class TrainingState:
    """The progress of a training; `idc.training.setup.load_training` makes it.

    Attributes:
        epochs: number of epochs to reach. ``steps``: per epoch.
        patience: epochs without improvement that end the training; None: no early stopping.
        patience_from: early stopping counts no epoch before this one.
        history: everything that a checkpoint stores besides the variables.
        restored: the checkpoint that this training continues from; empty without one.
        stopwatch: seconds of work. ``speed_meter``: in patches per second.
        epoch_began_s: stopwatch time at which the current epoch began.
        patches_per_s: speed at the latest step, None where it is not known.
    """

    epochs: int
    steps: int
    patience: int | None
    patience_from: int
    history: History
    restored: RestoredCheckpoint
    stopwatch: Stopwatch
    speed_meter: SpeedMeter
    epoch_began_s: float = 0.0
    patches_per_s: float | None = None

    @property
    def position(self) -> tuple[int, int]:
        """(finished epochs, finished steps of the current one)."""
        return self.history.epoch, self.history.step

    @property
    def is_complete(self) -> bool:
        """Whether no further epoch is needed: all are done, or early stopping applies."""
        return self.history.epoch >= self.epochs or (
            self.patience is not None
            and self.history.epochs_without_improvement(self.patience_from) >= self.patience
        )

    def begin_epoch(self) -> EpochInProgress:
        """Start the next epoch, or continue the one that a checkpoint interrupted."""
        current = self.history.under_way = self.history.under_way or EpochInProgress()
        self.epoch_began_s = self.stopwatch.seconds() - current.seconds
        self.speed_meter.reset()
        return current

    def record_step(self, step: int, logs: Mapping[str, float]) -> None:
        """Record a finished step of the current epoch.

        Args:
            step: from 1. ``logs``: Keras' logs with the running means of the epoch.
        """
        current = self.history.under_way
        assert current is not None
        current.step = step
        current.loss, current.accuracy = float(logs["cross_entropy"]), float(logs["accuracy"])
        self.patches_per_s = self.speed_meter.speed(step)

    def epoch_seconds(self) -> float:
        """Seconds of work on the current epoch."""
        return self.stopwatch.seconds() - self.epoch_began_s

    def record_times(self) -> None:
        """Write the times into the history, before it is saved."""
        self.history.elapsed_s = self.stopwatch.seconds()
        if self.history.under_way:
            self.history.under_way.seconds = self.epoch_seconds()

    def seconds_left(self) -> float | None:
        """To the end of the last epoch; None where the speed is not known."""
        epochs_left = self.epochs - self.history.epoch
        return self.speed_meter.seconds_left(epochs_left, self.history.step, self.patches_per_s)

    def progress_text(self) -> str:
        """For example "2 of 5 epochs and 12 of 40 steps"."""
        return self.history.progress_text(self.epochs, self.steps)
