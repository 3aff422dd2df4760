"""The events of a training, and the base class of what reacts to them.

`idc.training.loop` sends the events and computes; everything else, from the log to a pause, is an
observer. The order of the events of one epoch:

    on_log_step, on_step_end    per step
    on_validation_begin
    on_validation_batch_end     per batch of the validation part
    on_validation_end           the scores exist
    on_epoch_end                the history contains the epoch: write it to disk
    on_epoch_saved              the checkpoint exists: report the epoch
"""

from collections.abc import Iterable
from typing import Any

import numpy as np

from idc.training.state import TrainingState


class ExitWhilePaused(Exception):
    """A paused trainer ends to free the device. Its state is on disk."""


class Observer:
    """Does nothing at any event; subclasses override the events that concern them.

    Every method receives the state of the training, which observers read and do not change.
    """

    def on_train_begin(self, state: TrainingState) -> None:
        """The state is restored; no step has been taken."""

    def on_log_step(self, state: TrainingState, logs: dict[str, float]) -> None:
        """A step whose values are logged, about 200 per epoch; before its `on_step_end`.

        Args:
            logs: Keras' logs of the step, see `idc.training.objective.compile_model`.
        """

    def on_step_end(self, state: TrainingState) -> None:
        """An optimizer step is done (with several steps per execution: the last one of them)."""

    def on_validation_begin(self, state: TrainingState) -> None:
        """All steps of the epoch are done."""

    def on_validation_batch_end(self, state: TrainingState) -> None:
        """A batch of the validation part is predicted."""

    def on_validation_end(
        self, state: TrainingState, entry: dict[str, Any], y_prob: np.ndarray
    ) -> None:
        """The epoch is scored and ranked.

        Args:
            entry: the epoch as `idc.runs.log.RunLog.epochs` holds it, still without ``elapsed_s``.
            y_prob: float32 [0, 1], shape (n,), of the validation part's rows.
        """

    def on_epoch_end(self, state: TrainingState, entry: dict[str, Any]) -> None:
        """The history contains the epoch."""

    def on_epoch_saved(
        self, state: TrainingState, entry: dict[str, Any], y_prob: np.ndarray
    ) -> None:
        """The epoch is in a checkpoint. Arguments as `on_validation_end`."""

    def on_pause(self, state: TrainingState) -> None:
        """A pause begins, between two steps or during validation."""

    def on_resume(self, state: TrainingState) -> None:
        """The pause ends in this process."""

    def on_exit_while_paused(self, state: TrainingState) -> None:
        """The process ends and leaves the run paused."""

    def on_stop(self, state: TrainingState) -> None:
        """A stop was requested, between two steps or during validation."""

    def on_scoring_begin(self, state: TrainingState) -> None:
        """Training is over; the best weights predict the held-out parts next."""

    def on_train_end(self, state: TrainingState, outcome: str, reason: str) -> None:
        """Everything is written.

        Args:
            outcome: "finished" or "stopped". ``reason``: one sentence.
        """


class Observers(Observer):
    """Forwards each event to several observers, in their order."""

    def __init__(self, observers: Iterable[Observer]) -> None:
        self._observers = tuple(observers)

    def on_train_begin(self, state: TrainingState) -> None:
        for observer in self._observers:
            observer.on_train_begin(state)

    def on_log_step(self, state: TrainingState, logs: dict[str, float]) -> None:
        for observer in self._observers:
            observer.on_log_step(state, logs)

    def on_step_end(self, state: TrainingState) -> None:
        for observer in self._observers:
            observer.on_step_end(state)

    def on_validation_begin(self, state: TrainingState) -> None:
        for observer in self._observers:
            observer.on_validation_begin(state)

    def on_validation_batch_end(self, state: TrainingState) -> None:
        for observer in self._observers:
            observer.on_validation_batch_end(state)

    def on_validation_end(
        self, state: TrainingState, entry: dict[str, Any], y_prob: np.ndarray
    ) -> None:
        for observer in self._observers:
            observer.on_validation_end(state, entry, y_prob)

    def on_epoch_end(self, state: TrainingState, entry: dict[str, Any]) -> None:
        for observer in self._observers:
            observer.on_epoch_end(state, entry)

    def on_epoch_saved(
        self, state: TrainingState, entry: dict[str, Any], y_prob: np.ndarray
    ) -> None:
        for observer in self._observers:
            observer.on_epoch_saved(state, entry, y_prob)

    def on_pause(self, state: TrainingState) -> None:
        for observer in self._observers:
            observer.on_pause(state)

    def on_resume(self, state: TrainingState) -> None:
        for observer in self._observers:
            observer.on_resume(state)

    def on_exit_while_paused(self, state: TrainingState) -> None:
        for observer in self._observers:
            observer.on_exit_while_paused(state)

    def on_stop(self, state: TrainingState) -> None:
        for observer in self._observers:
            observer.on_stop(state)

    def on_scoring_begin(self, state: TrainingState) -> None:
        for observer in self._observers:
            observer.on_scoring_begin(state)

    def on_train_end(self, state: TrainingState, outcome: str, reason: str) -> None:
        for observer in self._observers:
            observer.on_train_end(state, outcome, reason)
