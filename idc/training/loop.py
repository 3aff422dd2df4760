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
from idc.networks.backends import settle
from idc.networks.inference import probabilities
from idc.networks.models import build_model
from idc.networks.precision import building_in
from idc.runs import control
from idc.runs.first_filters import keep_first_filters
from idc.runs.lineage import lineage
from idc.runs.log import LogWriter
from idc.runs.notes import NOTES_FILE
from idc.runs.run import ENVIRONMENT_FILE, Run, RunStatus, check_same_data
from idc.runs.watched_slide import WATCH_FILE
from idc.settings.training_config import split_of
from idc.training.batches import ALL, Share, TrainingBatches, class_weights
from idc.training.checkpoints import Restored, load_origin, restore_checkpoint, save_checkpoint
from idc.training.device_patches import drawing_on_device
from idc.training.environment import environment
from idc.training.history import History, UnderWay
from idc.training.input_pipeline import feeding
from idc.training.objective import batch_scores, compile_model
from idc.training.outputs import keep_weights, score_best, write_predictions
from idc.training.pausing import LeftPaused, wait_while_paused
from idc.training.slide_recorder import SlideWatch, worst_patches
from idc.training.step_callback import AfterEachStep
from idc.training.tensorboard import EventFiles
from idc.training.timing import Pace, Stopwatch

_LINES_AN_EPOCH = 200
_STATUS_EVERY_S = 1.0
_CHECKPOINT_EVERY_S = 30.0  # of computing that a kill may cost
_OF_PAGES = (control.CONTROL_FILE, NOTES_FILE, WATCH_FILE)  # written beside the trainer

OnStatus = Callable[[RunStatus], None]


class StopAsked(Exception):
    """Somebody asked the trainer to stop. What is finished is kept."""


def train(
    run: Run,
    *,
    on_status: OnStatus | None = None,
    stop_asked: Callable[[], bool] = lambda: False,
    requests: control.Requests | None = None,
    share: Share = ALL,
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
    return _Training(run, on_status, stop_asked, requests, share).work()


class _Training:
    """One stretch of work on one run."""

    def __init__(
        self,
        run: Run,
        on_status: OnStatus | None,
        stop_asked: Callable[[], bool],
        requests: control.Requests,
        share: Share,
    ) -> None:
        self._share = share
        self._run, self._config = run, run.config
        self._on_status, self._stop_asked = on_status, stop_asked
        self._requests = requests
        self._pause_after: int | None = None  # the epoch that somebody wants to see alone
        self._status = run.status()
        self._log = LogWriter(run.folder)
        self._events = EventFiles(run.folder)
        self._history = History()

    def work(self) -> RunStatus:
        try:
            return self._work()
        finally:
            self._events.close()

    def _work(self) -> RunStatus:
        self._tell(state="running", phase="loading", reason="", note="")
        self._load()
        try:
            self._obey()
            while self._history.epoch < self._status.epochs and not self._is_out_of_patience():
                self._train_epoch(self._history.epoch + 1)
                if self._pause_after == self._history.epoch < self._status.epochs:
                    self._pause()
            state, reason = "finished", self._history.end_sentence(self._status.epochs)
        except StopAsked:
            state, reason = "stopped", f"Stopped on request after {self._words()}."
        except LeftPaused:
            self._tell(phase="")
            return self._status
        if self._history.best is not None:
            self._tell(phase="scoring", left_s=None)
            score_best(self._run, self._split, self._store)
        self._tell(state=state, phase="", reason=reason, left_s=None, patches_per_s=None, step=0)
        return self._status

    def _load(self) -> None:
        atomic.remove_leftovers(self._run.folder, spare=_OF_PAGES)
        self._store: PatchStore = open_store(self._config.data)
        check_same_data(self._run, self._store)
        self._split: Split = split_of(self._config, self._store.index, self._run.left_out())
        self._steps = -(-len(self._split.train) // self._config.batch_size)
        self._class_weights = (
            class_weights(self._store.labels[self._split.train])
            if self._config.balancing == "weights"
            else None
        )
        keras.utils.set_random_seed(self._config.seed)
        self._build()
        restored = restore_checkpoint(self._run.folder, self._trained)
        if restored.history:
            self._history = History.from_json(restored.history)
        elif origin := lineage(self._run):
            load_origin(self._run.folder, self._trained, with_optimizer=origin.with_optimizer)
        if not restored.step:  # within an epoch they are neither the last one's nor the next one's
            keep_first_filters(self._run.folder, self._model, restored.epoch)
        self._running_means = restored.running_means
        self._watch = Stopwatch(self._history.elapsed_s)
        self._saved, self._saved_at = self._here(), self._watch.seconds()
        self._pace = Pace(
            self._watch,
            train=len(self._split.train),
            validation=len(self._split.validation),
            batch_size=self._config.batch_size,
        )
        atomic.replace_json(self._run.folder / ENVIRONMENT_FILE, environment(self._store))
        self._log_start(restored)
        self._tell(
            phase="training",
            epoch=restored.epoch,
            steps=self._steps,
            step=restored.step,
            note=restored.note(),
        )
        self._slide = SlideWatch(
            self._run,
            self._store,
            self._split,
            lambda rows: probabilities(self._network(), self._store.patches, rows),
        )
        self._slide.begin(restored.epoch, self._watch.seconds(), restored.step)

    def _build(self) -> None:
        """The network, and what ``fit`` trains: the same, or a model around it on a GPU."""
        self._feeding = feeding(self._store.patches)
        with building_in(self._config.precision):
            self._model = self._trained = build_model(self._config.network)
            if self._feeding.holds_patches:
                self._trained = drawing_on_device(
                    self._model, self._store.patches, self._config.augmentation
                )
        compile_model(
            self._trained,
            self._config,
            self._steps * self._config.epochs,
            steps_a_call=self._feeding.steps_a_call,
        )

    def _network(self) -> keras.Model:
        """The network as trained so far, in the middle of a ``fit`` too."""
        settle(self._trained)
        return self._model

    def _log_start(self, restored: Restored) -> None:
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
        under_way = self._history.under_way or UnderWay()
        self._history.under_way = under_way
        self._epoch_began = self._watch.seconds() - under_way.seconds
        self._pace.forget()
        if under_way.step < self._steps:
            self._fit(epoch, under_way.step)
        self._tell(phase="validating", step=self._steps)
        if self._watch.seconds() - self._saved_at + self._pace.validation_s > _CHECKPOINT_EVERY_S:
            self._checkpoint()
        scores, y_prob = self._validate()
        entry = {
            "epoch": epoch,
            "loss": under_way.loss,
            "accuracy": under_way.accuracy,
            **scores,
            "seconds": round(self._watch.seconds() - self._epoch_began, 3),
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
            on_device=self._feeding.holds_patches,
            share=self._share,
            workers=self._feeding.threads,
        )
        self._trained.fit(
            batches,
            initial_epoch=epoch - 1,
            epochs=epoch,
            shuffle=False,  # TrainingBatches shuffles, so that a checkpoint need not remember how
            verbose=0,
            class_weight=self._class_weights,
            callbacks=[AfterEachStep(self.after_step, first_step, self._running_means)],
        )

    def _validate(self) -> tuple[dict[str, Any], np.ndarray]:
        began = self._watch.seconds()
        rows = self._split.validation
        y_prob = probabilities(self._model, self._store.patches, rows, on_progress=self._obey)
        report = evaluate(self._store.labels[rows], y_prob)
        self._pace.validation_s = self._watch.seconds() - began
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
            keep_weights(self._run, self._model, self._history.best or {})
            write_predictions(self._run, self._split, {"validation": y_prob})
        entry["elapsed_s"] = round(self._watch.seconds(), 2)
        self._history.finish_epoch(entry)
        keep_first_filters(self._run.folder, self._model, entry["epoch"])
        self._checkpoint()
        self._log.append("epoch", **entry)
        self._events.after_epoch(entry)
        epochs_left = self._status.epochs - entry["epoch"]
        self._tell(
            phase="training", epoch=entry["epoch"], step=0, left_s=epochs_left * entry["seconds"]
        )
        self._slide.after_epoch(entry["epoch"], self._watch.seconds(), y_prob)

    def _here(self) -> tuple[int, int]:
        return self._history.epoch, self._history.step

    def _checkpoint(self) -> None:
        """Save the state as it is, between two steps, unless it is on the disk already."""
        if self._here() == self._saved:
            return
        self._history.elapsed_s = self._watch.seconds()
        if under_way := self._history.under_way:
            under_way.seconds = self._watch.seconds() - self._epoch_began
        save_checkpoint(
            self._run.folder,
            self._trained,
            self._history.epoch,
            self._history.to_json(),
            step=self._history.step,
        )
        self._saved, self._saved_at = self._here(), self._watch.seconds()

    def after_step(self, step: int, logs: dict[str, float]) -> None:
        """Called after each optimizer step; ``step`` from 1."""
        under_way = self._history.under_way
        assert under_way is not None
        stride = max(1, self._steps // _LINES_AN_EPOCH)
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
                elapsed_s=round(self._watch.seconds(), 2),
            )
            self._events.after_step(self._history.epoch * self._steps + step, loss, accuracy)
        if time.time() - self._status.updated >= _STATUS_EVERY_S:
            epochs_left = self._status.epochs - self._history.epoch
            left_s = self._pace.seconds_left(epochs_left, step, speed)
            self._tell(phase="training", step=step, patches_per_s=speed, left_s=left_s)
        if self._watch.seconds() - self._saved_at >= _CHECKPOINT_EVERY_S:
            self._checkpoint()
        self._slide.after_step(self._history.epoch, step, self._watch.seconds())
        self._obey()

    def _is_out_of_patience(self) -> bool:
        waited = self._history.waited(self._status.patience_from)
        return self._config.early_stopping and waited >= self._config.patience

    def _words(self) -> str:
        return self._history.words(self._status.epochs, self._steps)

    def _obey(self, *_: int) -> None:
        """Do what somebody asked for, between two steps or while scoring."""
        request = self._requests.new()
        if self._stop_asked():
            request = control.STOP
        self._do(request)

    def _do(self, request: str) -> None:
        if request in (control.STOP, control.WITHDRAW):
            self._checkpoint()
            raise StopAsked
        if request == control.PAUSE:
            self._pause()
        elif request == control.ONE_EPOCH:
            self._pause_after = self._history.epoch + 1
        elif request == control.RESUME:
            self._pause_after = None

    def _pause(self) -> None:
        """Wait for what to do next, the network ready, as long as nobody needs the device."""
        self._checkpoint()
        self._pause_after = None
        self._tell(
            state="paused",
            phase="ready",
            step=self._history.step,
            reason=f"Paused after {self._words()}.",
            left_s=None,
            patches_per_s=None,
        )
        if self._share.processes > 1:
            raise LeftPaused
        with self._watch.standing():
            request = wait_while_paused(self._requests, self._stop_asked)
        self._pace.forget()
        self._tell(state="running", phase="training", reason="")
        self._do(request)

    def _tell(self, **changes: Any) -> None:
        self._status = replace(self._status, updated=time.time(), **changes)
        self._run.write_status(self._status)
        if self._on_status:
            self._on_status(self._status)
