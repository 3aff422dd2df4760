"""Training: from a run's settings to weights, log lines, checkpoints and predictions.

`train` does one run, or goes on with it, in the process that calls it. It meets the rest of the
app in the run's folder alone (see `idc.runs.run`).

A run that is paused, stopped or killed goes on from its last checkpoint. There is one after every
epoch, one at least every 30 s within long ones, and one at the very step of a pause or a stop, so
that these two lose nothing and a kill loses half a minute.
"""

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import keras
import numpy as np

from idc.datasets.splits import Split
from idc.datasets.store import PatchStore, open_store
from idc.files import atomic
from idc.metrics.scores import evaluate
from idc.networks.backends import sync_variables
from idc.networks.inference import predict_probabilities
from idc.networks.models import build_model
from idc.networks.precision import precision_scope
from idc.runs import control
from idc.runs.first_filters import save_first_filters
from idc.runs.lineage import read_lineage
from idc.runs.log import LogWriter
from idc.runs.notes import NOTES_FILE
from idc.runs.run import ENVIRONMENT_FILE, Run, RunStatus, check_same_data
from idc.runs.watched_slide import WATCH_FILE
from idc.settings.training_config import split_for_config
from idc.training.batches import WHOLE_BATCH, BatchShard, TrainingBatches, class_weights
from idc.training.checkpoints import (
    RestoredCheckpoint,
    load_fork_origin,
    restore_checkpoint,
    save_checkpoint,
)
from idc.training.device_patches import model_with_device_patches
from idc.training.environment import describe_environment
from idc.training.history import EpochInProgress, History
from idc.training.input_pipeline import choose_input_pipeline
from idc.training.objective import batch_scores, compile_model
from idc.training.outputs import predict_held_out, save_best_weights, save_predictions
from idc.training.pausing import ExitWhilePaused, wait_while_paused
from idc.training.slide_recorder import SlideRecorder, worst_patches
from idc.training.step_callback import StepCallback
from idc.training.tensorboard import TensorBoardWriter
from idc.training.timing import SpeedMeter, Stopwatch

_LOG_LINES_PER_EPOCH = 200
_STATUS_INTERVAL_S = 1.0
_CHECKPOINT_INTERVAL_S = 30.0  # of computing that a kill may cost
_FILES_WRITTEN_BY_PAGES = (
    control.CONTROL_FILE,
    NOTES_FILE,
    WATCH_FILE,
)  # written beside the trainer

OnStatus = Callable[[RunStatus], None]


class StopRequested(Exception):
    """Somebody asked the trainer to stop. What is finished is kept."""


def train(
    run: Run,
    *,
    on_status: OnStatus | None = None,
    should_stop: Callable[[], bool] = lambda: False,
    requests: control.Requests | None = None,
    share: BatchShard = WHOLE_BATCH,
) -> RunStatus:
    """Train a run from its last checkpoint, or from the start, to its end.

    Args:
        run: its status says "starting" and how many epochs to reach. The caller holds its lock.
        on_status: called with each status that is written, about once a second.
        stop_asked: besides the run's own control file, asked at each step.
        requests: what people ask of the run; by default read from its control file.
        share: this process's part of each batch; several processes pause by leaving.

    Returns:
        the last status: "finished", or "stopped" or "paused" when somebody asked for it.

    Raises:
        IdcError: the data is missing, cannot be split, or is not what the run began with.
    """
    requests = requests or control.Requests(run.folder)
    return _TrainingLoop(run, on_status, should_stop, requests, share).run_to_end()


class _TrainingLoop:
    """One stretch of work on one run."""

    def __init__(
        self,
        run: Run,
        on_status: OnStatus | None,
        should_stop: Callable[[], bool],
        requests: control.Requests,
        share: BatchShard,
    ) -> None:
        self._share = share
        self._run, self._config = run, run.config
        self._on_status, self._should_stop = on_status, should_stop
        self._requests = requests
        self._pause_after_epoch: int | None = None  # the epoch that somebody wants to see alone
        self._status = run.status()
        self._log = LogWriter(run.folder)
        self._events = TensorBoardWriter(run.folder)
        self._history = History()

    def run_to_end(self) -> RunStatus:
        try:
            return self._run_to_end()
        finally:
            self._events.close()

    def _run_to_end(self) -> RunStatus:
        self._update_status(state="running", phase="loading", reason="", note="")
        self._prepare()
        try:
            self._check_requests()
            while self._history.epoch < self._status.epochs and not self._is_out_of_patience():
                self._train_epoch(self._history.epoch + 1)
                if self._pause_after_epoch == self._history.epoch < self._status.epochs:
                    self._pause()
            state, reason = "finished", self._history.end_reason(self._status.epochs)
        except StopRequested:
            state, reason = "stopped", f"Stopped on request after {self._progress_text()}."
        except ExitWhilePaused:
            self._update_status(phase="")
            return self._status
        if self._history.best is not None:
            self._update_status(phase="scoring", left_s=None)
            predict_held_out(self._run, self._split, self._store)
        self._update_status(
            state=state, phase="", reason=reason, left_s=None, patches_per_s=None, step=0
        )
        return self._status

    def _prepare(self) -> None:
        atomic.remove_leftovers(self._run.folder, keep_names=_FILES_WRITTEN_BY_PAGES)
        self._store: PatchStore = open_store(self._config.data)
        check_same_data(self._run, self._store)
        self._split: Split = split_for_config(self._config, self._store.index, self._run.left_out())
        self._steps = -(-len(self._split.train) // self._config.batch_size)
        self._class_weights = (
            class_weights(self._store.labels[self._split.train])
            if self._config.balancing == "weights"
            else None
        )
        keras.utils.set_random_seed(self._config.seed)
        self._build()
        restored = restore_checkpoint(self._run.folder, self._training_model)
        if restored.history:
            self._history = History.from_json(restored.history)
        elif origin := read_lineage(self._run):
            load_fork_origin(
                self._run.folder, self._training_model, with_optimizer=origin.with_optimizer
            )
        if not restored.step:  # within an epoch they are neither the last one's nor the next one's
            save_first_filters(self._run.folder, self._model, restored.epoch)
        self._running_means = restored.running_means
        self._stopwatch = Stopwatch(self._history.elapsed_s)
        self._saved_position, self._saved_at_s = self._position(), self._stopwatch.seconds()
        self._pace = SpeedMeter(
            self._stopwatch,
            train=len(self._split.train),
            validation=len(self._split.validation),
            batch_size=self._config.batch_size,
        )
        atomic.replace_json(self._run.folder / ENVIRONMENT_FILE, describe_environment(self._store))
        self._log_start(restored)
        self._update_status(
            phase="training",
            epoch=restored.epoch,
            steps=self._steps,
            step=restored.step,
            note=restored.note(),
        )
        self._slide = SlideRecorder(
            self._run,
            self._store,
            self._split,
            lambda rows: predict_probabilities(self._network(), self._store.patches, rows),
        )
        self._slide.begin(restored.epoch, self._stopwatch.seconds(), restored.step)

    def _build(self) -> None:
        """The network, and what ``fit`` trains: the same, or a model around it on a GPU."""
        self._pipeline = choose_input_pipeline(self._store.patches)
        with precision_scope(self._config.precision):
            self._model = self._training_model = build_model(self._config.network)
            if self._pipeline.patches_on_device:
                self._training_model = model_with_device_patches(
                    self._model, self._store.patches, self._config.augmentation
                )
        compile_model(
            self._training_model,
            self._config,
            self._steps * self._config.epochs,
            steps_per_execution=self._pipeline.steps_per_execution,
        )

    def _network(self) -> keras.Model:
        """The network as trained so far, in the middle of a ``fit`` too."""
        sync_variables(self._training_model)
        return self._model

    def _log_start(self, restored: RestoredCheckpoint) -> None:
        self._log.append(
            "start",
            epoch=restored.epoch,
            step=restored.step,
            epochs=self._status.epochs,
            steps=self._steps,
            damaged=restored.damaged,
            time=time.time(),
        )
        # A kill between a checkpoint and its log line loses the line, not the epoch.
        logged = {entry["epoch"] for entry in self._run.log().epochs}
        for entry in self._history.epochs:
            if entry["epoch"] not in logged:
                self._log.append("epoch", **entry)

    def _train_epoch(self, epoch: int) -> None:
        under_way = self._history.under_way or EpochInProgress()
        self._history.under_way = under_way
        self._epoch_began = self._stopwatch.seconds() - under_way.seconds
        self._pace.reset()
        if under_way.step < self._steps:
            self._fit(epoch, under_way.step)
        self._update_status(phase="validating", step=self._steps)
        if (
            self._stopwatch.seconds() - self._saved_at_s + self._pace.validation_s
            > _CHECKPOINT_INTERVAL_S
        ):
            self._checkpoint()
        scores, y_prob = self._validate()
        entry = {
            "epoch": epoch,
            "loss": under_way.loss,
            "accuracy": under_way.accuracy,
            **scores,
            "seconds": round(self._stopwatch.seconds() - self._epoch_began, 3),
        }
        self._finish_epoch(entry, y_prob)

    def _fit(self, epoch: int, first_step: int) -> None:
        batches = TrainingBatches(
            self._store.patches,
            self._store.labels,
            self._split.train,
            batch_size=self._config.batch_size,
            augmentation=self._config.augmentation,
            balancing=self._config.balancing,
            seed=self._config.seed,
            epoch=epoch,
            first_step=first_step,
            on_device=self._pipeline.patches_on_device,
            share=self._share,
            workers=self._pipeline.threads,
        )
        self._training_model.fit(
            batches,
            initial_epoch=epoch - 1,
            epochs=epoch,
            shuffle=False,  # TrainingBatches shuffles, so that a checkpoint need not remember how
            verbose=0,
            class_weight=self._class_weights,
            callbacks=[StepCallback(self.after_step, first_step, self._running_means)],
        )

    def _validate(self) -> tuple[dict[str, Any], np.ndarray]:
        began = self._stopwatch.seconds()
        rows = self._split.validation
        y_prob = predict_probabilities(
            self._model, self._store.patches, rows, on_progress=self._check_requests
        )
        report = evaluate(self._store.labels[rows], y_prob)
        self._pace.validation_s = self._stopwatch.seconds() - began
        scores = report.to_json()
        names = ("accuracy", "balanced_accuracy", "roc_auc", "confusion_matrix")
        answers = {"val_loss": scores["log_loss"], **{f"val_{n}": scores[n] for n in names}}
        return answers | {"val_worst": worst_patches(self._store, rows, y_prob)}, y_prob

    def _finish_epoch(self, entry: dict[str, Any], y_prob: np.ndarray) -> None:
        """Make the epoch lasting: best weights first, then the checkpoint, then the log line.

        Killed in between, the epoch is computed again, to the same end.
        """
        entry["best"] = self._history.rank(entry)
        if entry["best"]:
            save_best_weights(self._run, self._model, self._history.best or {})
            save_predictions(self._run, self._split, {"validation": y_prob})
        entry["elapsed_s"] = round(self._stopwatch.seconds(), 2)
        self._history.finish_epoch(entry)
        save_first_filters(self._run.folder, self._model, entry["epoch"])
        self._checkpoint()
        self._log.append("epoch", **entry)
        self._events.after_epoch(entry)
        epochs_left = self._status.epochs - entry["epoch"]
        self._update_status(
            phase="training", epoch=entry["epoch"], step=0, left_s=epochs_left * entry["seconds"]
        )
        self._slide.after_epoch(entry["epoch"], self._stopwatch.seconds(), y_prob)

    def _position(self) -> tuple[int, int]:
        return self._history.epoch, self._history.step

    def _checkpoint(self) -> None:
        """Save the state as it is, between two steps, unless it is on the disk already."""
        if self._position() == self._saved_position:
            return
        self._history.elapsed_s = self._stopwatch.seconds()
        if under_way := self._history.under_way:
            under_way.seconds = self._stopwatch.seconds() - self._epoch_began
        save_checkpoint(
            self._run.folder,
            self._training_model,
            self._history.epoch,
            self._history.to_json(),
            step=self._history.step,
        )
        self._saved_position, self._saved_at_s = self._position(), self._stopwatch.seconds()

    def after_step(self, step: int, logs: dict[str, float]) -> None:
        """Called after each optimizer step; ``step`` from 1."""
        under_way = self._history.under_way
        assert under_way is not None
        stride = max(1, self._steps // _LOG_LINES_PER_EPOCH)
        is_told = step // stride > under_way.step // stride or step == self._steps
        under_way.step = step
        under_way.loss, under_way.accuracy = float(logs["cross_entropy"]), float(logs["accuracy"])
        speed = self._pace.speed(step)
        if is_told:
            loss, accuracy = float(logs["batch_loss"]), float(logs["batch_accuracy"])
            self._log.append(
                "step",
                epoch=self._history.epoch + 1,
                step=step,
                **batch_scores(logs),
                elapsed_s=round(self._stopwatch.seconds(), 2),
            )
            self._events.after_step(self._history.epoch * self._steps + step, loss, accuracy)
        if time.time() - self._status.updated >= _STATUS_INTERVAL_S:
            epochs_left = self._status.epochs - self._history.epoch
            left_s = self._pace.seconds_left(epochs_left, step, speed)
            self._update_status(phase="training", step=step, patches_per_s=speed, left_s=left_s)
        if self._stopwatch.seconds() - self._saved_at_s >= _CHECKPOINT_INTERVAL_S:
            self._checkpoint()
        self._slide.after_step(self._history.epoch, step, self._stopwatch.seconds())
        self._check_requests()

    def _is_out_of_patience(self) -> bool:
        epochs_without_improvement = self._history.epochs_without_improvement(
            self._status.patience_from
        )
        return self._config.early_stopping and epochs_without_improvement >= self._config.patience

    def _progress_text(self) -> str:
        return self._history.progress_text(self._status.epochs, self._steps)

    def _check_requests(self, *_: int) -> None:
        """Do what somebody asked for, between two steps or while scoring."""
        request = self._requests.poll()
        if self._should_stop():
            request = control.STOP
        self._apply_request(request)

    def _apply_request(self, request: str) -> None:
        if request in (control.STOP, control.WITHDRAW):
            self._checkpoint()
            raise StopRequested
        if request == control.PAUSE:
            self._pause()
        elif request == control.ONE_EPOCH:
            self._pause_after_epoch = self._history.epoch + 1
        elif request == control.RESUME:
            self._pause_after_epoch = None

    def _pause(self) -> None:
        """Wait for what to do next, the network ready, as long as nobody needs the device."""
        self._checkpoint()
        self._pause_after_epoch = None
        self._update_status(
            state="paused",
            phase="ready",
            step=self._history.step,
            reason=f"Paused after {self._progress_text()}.",
            left_s=None,
            patches_per_s=None,
        )
        if self._share.processes > 1:
            raise ExitWhilePaused
        with self._stopwatch.paused():
            request = wait_while_paused(self._requests, self._should_stop)
        self._pace.reset()
        self._update_status(state="running", phase="training", reason="")
        self._apply_request(request)

    def _update_status(self, **changes: Any) -> None:
        self._status = replace(self._status, updated=time.time(), **changes)
        self._run.write_status(self._status)
        if self._on_status:
            self._on_status(self._status)
