"""Training: from a run's settings to weights, log lines, checkpoints and predictions.

`train` trains one run, or continues it, in the calling process. It communicates with the rest of
the app only through the run's folder (see `idc.runs.run`). The loop computes and sends events;
`idc.training.observers` write and obey.

A run that was paused, stopped or killed continues from its last checkpoint. A checkpoint is
written after every epoch, at most every 30 s within an epoch, and at the exact step of a pause or
a stop; a kill therefore loses at most half a minute.
"""

import contextlib
from collections.abc import Callable, Sequence

import keras
import numpy as np

from idc.networks.inference import predict_probabilities
from idc.processes.thread_job import StopRequested
from idc.runs import control
from idc.runs.run import Run, RunStatus
from idc.training.batches import WHOLE_BATCH, BatchShard
from idc.training.checkpoints import save_checkpoint
from idc.training.observers.checkpointing import CheckpointObserver
from idc.training.observers.observer import (
    ExitWhilePaused,
    Observer,
    Observers,
)
from idc.training.observers.outputs import OutputObserver, predict_held_out
from idc.training.observers.requests import RequestObserver
from idc.training.observers.run_log import LogObserver
from idc.training.observers.slide_recorder import SlideRecorder
from idc.training.observers.status import OnStatus, StatusObserver
from idc.training.observers.tensorboard import TensorBoardObserver
from idc.training.observers.watched_slide import WatchedSlideObserver
from idc.training.setup import TrainingSetup, load_training
from idc.training.state import TrainingState
from idc.training.validation import score_validation

_LOG_LINES_PER_EPOCH = 200


def train(
    run: Run,
    *,
    on_status: OnStatus | None = None,
    should_stop: Callable[[], bool] = lambda: False,
    requests: control.Requests | None = None,
    shard: BatchShard = WHOLE_BATCH,
) -> RunStatus:
    """Train a run to its end, from its last checkpoint if it has one.

    Args:
        run: its status is "starting" and states how many epochs to reach. The caller holds its
            lock.
        on_status: called with each status that is written, about once a second.
        should_stop: checked at each step, in addition to the requests.
        requests: by default those in the run's control file.
        shard: this process's part of each batch. Several processes end when they are paused.

    Returns:
        the last status: "finished", "stopped" or "paused".

    Raises:
        IdcError: the data is missing, cannot be split, or is not what the run began with.
    """
    log = LogObserver(run)
    with contextlib.closing(TensorBoardObserver(run.folder)) as tensorboard:
        status = StatusObserver(run.status(), run.write_status, on_status)
        status.on_load_begin()
        setup, state = load_training(run, status.status, shard)
        # Log before checkpoint, checkpoint before status: a status never precedes what it reports.
        writers = Observers(
            [
                OutputObserver(setup),
                log,
                tensorboard,
                CheckpointObserver(state, lambda: _save(setup, state)),
                status,
                _watched_slide(setup),
            ]
        )
        requests = requests or control.Requests(run.folder)
        can_wait = shard.processes == 1
        obey = RequestObserver(requests, should_stop, writers, can_wait=can_wait)
        _train_to_end(setup, state, Observers([writers, obey]))
        return status.status


def _train_to_end(setup: TrainingSetup, state: TrainingState, observers: Observer) -> None:
    try:
        observers.on_train_begin(state)
        while not state.is_complete:
            _train_epoch(setup, state, observers)
        outcome, reason = "finished", state.history.end_reason(state.epochs)
    except StopRequested:
        outcome, reason = "stopped", f"Stopped on request after {state.progress_text()}."
    except ExitWhilePaused:
        observers.on_exit_while_paused(state)
        return
    if state.history.best is not None:
        observers.on_scoring_begin(state)
        predict_held_out(setup.run, setup.split, setup.store)
    observers.on_train_end(state, outcome, reason)


def _train_epoch(setup: TrainingSetup, state: TrainingState, observers: Observer) -> None:
    """Train and score an epoch, then save it: best weights, checkpoint, log line, in this order.

    A process that is killed in between computes the epoch again, with the same result.
    """
    history = state.history
    current = state.begin_epoch()
    if current.step < state.steps:
        _fit(setup, state, observers)
    observers.on_validation_begin(state)
    began = state.stopwatch.seconds()
    scores, y_prob = score_validation(setup, lambda *_: observers.on_validation_batch_end(state))
    state.speed_meter.validation_s = state.stopwatch.seconds() - began
    entry = {
        "epoch": history.epoch + 1,
        "loss": current.loss,
        "accuracy": current.accuracy,
        **scores,
        "seconds": round(state.epoch_seconds(), 3),
    }
    entry["best"] = history.update_best(entry)
    observers.on_validation_end(state, entry, y_prob)
    entry["elapsed_s"] = round(state.stopwatch.seconds(), 2)
    history.finish_epoch(entry)
    observers.on_epoch_end(state, entry)
    observers.on_epoch_saved(state, entry, y_prob)


def _fit(setup: TrainingSetup, state: TrainingState, observers: Observer) -> None:
    def on_step(step: int, logs: dict[str, float]) -> None:
        previous = state.history.step
        state.record_step(step, logs)
        if _is_logged(previous, step, state.steps):
            observers.on_log_step(state, logs)
        observers.on_step_end(state)

    epoch, first_step = state.history.epoch + 1, state.history.step
    setup.fitted_model.fit(
        setup.batches(epoch, first_step),
        initial_epoch=epoch - 1,
        epochs=epoch,
        shuffle=False,  # TrainingBatches shuffles, so that checkpoints need not store the order
        verbose=0,
        class_weight=setup.class_weights,
        callbacks=[StepCallback(on_step, first_step, state.restored.running_means)],
    )


def _is_logged(previous: int, step: int, steps: int) -> bool:
    """Whether a step is logged: about 200 of an epoch, always its last one."""
    stride = max(1, steps // _LOG_LINES_PER_EPOCH)
    return step // stride > previous // stride or step == steps


def _save(setup: TrainingSetup, state: TrainingState) -> None:
    state.record_times()
    save_checkpoint(
        setup.run.folder,
        setup.fitted_model,
        state.history.epoch,
        state.history.to_json(),
        step=state.history.step,
    )


def _watched_slide(setup: TrainingSetup) -> WatchedSlideObserver:
    def predict(rows: np.ndarray) -> np.ndarray:
        return predict_probabilities(setup.current_model(), setup.store.patches, rows)

    return WatchedSlideObserver(SlideRecorder(setup.run, setup.store, setup.split, predict))


class StepCallback(keras.callbacks.Callback):
    """Calls ``on_step(step, logs)`` with the step within the epoch, from 1.

    With several steps per execution it is called for the last one of them only.

    Args:
        first_step: steps of the epoch that were done before.
        running_means: values of the model's metrics after those steps; Keras resets them.
    """

    def __init__(
        self,
        on_step: Callable[[int, dict[str, float]], None],
        first_step: int,
        running_means: Sequence[np.ndarray],
    ) -> None:
        super().__init__()
        self._on_step, self._first_step = on_step, first_step
        self._running_means = running_means if first_step else ()

    def on_epoch_begin(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Restore the means: Keras has just reset the metrics, whose variables exist by now."""
        if len(self._running_means):
            variables = self.model.metrics_variables
            for variable, value in zip(variables, self._running_means, strict=True):
                variable.assign(value)

    def on_train_batch_end(self, batch: int, logs: dict[str, float] | None = None) -> None:
        """Keras counts its batches from 0, beyond the end in a last, shorter execution."""
        done = min(batch + 1, self.params["steps"])
        self._on_step(self._first_step + done, logs or {})
