"""Training: from a run's settings to weights, log lines, checkpoints and predictions.

`train` does one run, or goes on with it, in the process that calls it. It meets the rest of the
app in the run's folder alone (see `idc.runs`).
"""

import math
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pandas as pd

from idc import durable
from idc.batches import TrainingBatches, class_weights
from idc.checkpoints import restore_checkpoint, save_checkpoint
from idc.config import split_of
from idc.environment import environment
from idc.evaluation import evaluate
from idc.inference import probabilities
from idc.models import build_model
from idc.objective import BATCH_SCORES, compile_model
from idc.runlog import LogWriter
from idc.runs import (
    BEST_FILE,
    ENVIRONMENT_FILE,
    PREDICTIONS_FILE,
    WEIGHTS_FILE,
    Run,
    RunStatus,
    check_same_data,
)
from idc.splits import Split
from idc.store import PatchStore, open_store
from idc.watching import SlideWatch, worst_patches
from idc.weights import load_model, save_weights

_LINES_AN_EPOCH = 200
_STATUS_EVERY_S = 1.0

OnStatus = Callable[[RunStatus], None]


class StopAsked(Exception):
    """Somebody asked the trainer to stop. What is finished is kept."""


def train(
    run: Run,
    *,
    on_status: OnStatus | None = None,
    stop_asked: Callable[[], bool] = lambda: False,
) -> RunStatus:
    """Train a run from its last checkpoint, or from the start, to its end.

    Args:
        run: its status says "starting" and how many epochs to reach. The caller holds its lock.
        on_status: called with each status that is written, about once a second.
        stop_asked: besides the run's own control file, asked at each step.

    Returns:
        the last status: "finished", or "stopped" when somebody asked for it.

    Raises:
        IdcError: the data is missing, cannot be split, or is not what the run began with.
    """
    return _Training(run, on_status, stop_asked).work()


class _Training:
    """One stretch of work on one run."""

    def __init__(
        self, run: Run, on_status: OnStatus | None, stop_asked: Callable[[], bool]
    ) -> None:
        self._run, self._config = run, run.config
        self._on_status, self._stop_asked = on_status, stop_asked
        self._status = run.status()
        self._log = LogWriter(run.folder)
        self._history: dict[str, Any] = {
            "epochs": [],
            "best": None,  # the epoch whose weights are kept
            "lowest": None,  # the epoch that early stopping waits from
            "elapsed_s": 0.0,
        }
        self._validation_s = 0.0

    def work(self) -> RunStatus:
        self._tell(state="running", phase="loading", reason="")
        self._load()
        try:
            while self._epoch < self._status.epochs and not self._is_out_of_patience():
                self._train_epoch(self._epoch + 1)
            state, reason = "finished", self._end_sentence()
        except StopAsked:
            state = "stopped"
            reason = f"Stopped on request after {self._epoch} of {self._status.epochs} epochs."
        self._score()
        self._tell(state=state, phase="", reason=reason, left_s=None, patches_per_s=None, step=0)
        return self._status

    @property
    def _epoch(self) -> int:
        """Finished epochs."""
        return len(self._history["epochs"])

    def _load(self) -> None:
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
        self._model = build_model(self._config.preset)
        compile_model(self._model, self._config, self._steps * self._config.epochs)
        epoch, history = restore_checkpoint(self._run.folder, self._model)
        self._history = history or self._history
        durable.replace_json(self._run.folder / ENVIRONMENT_FILE, environment(self._store))
        self._log.append(
            "start", epoch=epoch, epochs=self._status.epochs, steps=self._steps, time=time.time()
        )
        self._log_missing_epochs()
        self._began = time.monotonic() - self._history["elapsed_s"]
        self._tell(phase="training", epoch=epoch, steps=self._steps, step=0)
        self._slide = SlideWatch(self._run, self._store, self._split, self._answer)
        self._slide.begin(epoch, self._elapsed_s())

    def _elapsed_s(self) -> float:
        """Seconds of training so far, without what lay between two starts."""
        return time.monotonic() - self._began

    def _answer(self, rows: np.ndarray) -> np.ndarray:
        return probabilities(self._model, self._store.patches, rows)

    def _log_missing_epochs(self) -> None:
        """A kill between a checkpoint and its log line loses the line, not the epoch."""
        logged = {entry["epoch"] for entry in self._run.log().epochs}
        for entry in self._history["epochs"]:
            if entry["epoch"] not in logged:
                self._log.append("epoch", **entry)

    def _train_epoch(self, epoch: int) -> None:
        began = time.monotonic()
        batches = TrainingBatches(
            self._store.patches,
            self._store.labels,
            self._split.train,
            batch_size=self._config.batch_size,
            augmentation=self._config.augmentation,
            balancing=self._config.balancing,
            seed=self._config.seed,
            epoch=epoch,
        )
        fitted = self._model.fit(
            batches,
            initial_epoch=epoch - 1,
            epochs=epoch,
            shuffle=False,  # TrainingBatches shuffles, so that a checkpoint need not remember how
            verbose=0,
            class_weight=self._class_weights,
            callbacks=[_AfterEachStep(self, epoch)],
        )
        self._tell(phase="validating", step=self._steps)
        answers = self._validate()
        entry = {
            "epoch": epoch,
            "loss": fitted.history["cross_entropy"][-1],
            "accuracy": fitted.history["accuracy"][-1],
            **answers[0],
            "seconds": round(time.monotonic() - began, 3),
        }
        self._finish_epoch(entry, answers[1])

    def _validate(self) -> tuple[dict[str, Any], np.ndarray]:
        began = time.monotonic()
        rows = self._split.validation
        y_prob = probabilities(self._model, self._store.patches, rows, on_progress=self._check_stop)
        report = evaluate(self._store.labels[rows], y_prob)
        self._validation_s = time.monotonic() - began
        scores = report.to_json()
        names = ("accuracy", "balanced_accuracy", "roc_auc", "confusion_matrix")
        answers = {"val_loss": scores["log_loss"], **{f"val_{n}": scores[n] for n in names}}
        return answers | {"val_worst": worst_patches(self._store, rows, y_prob)}, y_prob

    def _finish_epoch(self, entry: dict[str, Any], y_prob: np.ndarray) -> None:
        """Make the epoch lasting: best weights first, then the checkpoint, then the log line.

        Killed in between, the epoch is computed again, to the same end.
        """
        rank = {name: entry[name] for name in ("epoch", "val_loss", "val_roc_auc")}
        lowest = self._history["lowest"]
        if lowest is None or entry["val_loss"] < lowest["val_loss"]:
            self._history["lowest"] = rank
        entry["best"] = self._history["best"] is None or _outranks(rank, self._history["best"])
        if entry["best"]:
            self._history["best"] = rank
            self._keep_weights()
            self._write_predictions({"validation": y_prob})
        self._history["elapsed_s"] = self._elapsed_s()
        entry["elapsed_s"] = round(self._history["elapsed_s"], 2)
        self._history["epochs"].append(entry)
        save_checkpoint(self._run.folder, self._model, entry["epoch"], self._history)
        self._log.append("epoch", **entry)
        self._tell(
            phase="training", epoch=entry["epoch"], step=0, left_s=self._seconds_left(0, None)
        )
        self._slide.after_epoch(entry["epoch"], self._elapsed_s(), y_prob)

    def _keep_weights(self) -> None:
        # The two files are replaced at almost the same moment: a reader in between sees new weights
        # under the old digest, and asks again (see idc.prediction).
        path = self._run.folder / WEIGHTS_FILE
        beside = path.with_name(f"new.{WEIGHTS_FILE}")
        save_weights(self._model, beside)
        durable.sync_file(beside)
        digest = durable.file_sha256(beside)
        beside.replace(path)
        durable.replace_json(
            self._run.folder / BEST_FILE,
            {
                **self._history["best"],
                "preset": self._config.preset,
                "parameters": self._model.count_params(),
                "sha256": digest,
            },
        )

    def _write_predictions(self, answers: dict[str, np.ndarray]) -> None:
        table = pd.concat(
            pd.DataFrame({"row": self._split.rows(part), "probability": y_prob, "part": part})
            for part, y_prob in answers.items()
        )
        _replace_parquet(self._run.folder / PREDICTIONS_FILE, table)

    def _score(self) -> None:
        """Let the best weights answer for the held-out parts; save the model for others."""
        if self._history["best"] is None:
            return
        self._tell(phase="scoring", left_s=None)
        best = load_model(
            self._run.folder / WEIGHTS_FILE, self._config.preset, self._run.best()["sha256"]
        )
        self._write_predictions(
            {
                part: probabilities(best, self._store.patches, self._split.rows(part))
                for part in ("validation", "test")
            }
        )
        # For other programs: uncompiled, so that loading it needs no class of ours.
        beside = self._run.folder / "new.model.keras"
        best.save(beside)
        beside.replace(self._run.folder / "model.keras")

    def after_step(self, epoch: int, step: int, logs: dict[str, float]) -> None:
        """Called after each optimizer step; ``step`` from 1."""
        if step == 1:
            self._speed_from = (time.monotonic(), 1)  # the first step compiles
        elapsed = self._elapsed_s()
        if step % max(1, self._steps // _LINES_AN_EPOCH) == 0 or step == self._steps:
            self._log.append(
                "step",
                epoch=epoch,
                step=step,
                **{name: _rounded(logs[f"batch_{name}"]) for name in BATCH_SCORES},
                elapsed_s=round(elapsed, 2),
            )
        if time.time() - self._status.updated >= _STATUS_EVERY_S:
            speed = self._speed(step)
            self._tell(
                phase="training",
                step=step,
                patches_per_s=speed,
                left_s=self._seconds_left(step, speed),
            )
        self._slide.after_step(self._epoch, step, elapsed)
        self._check_stop()

    def _speed(self, step: int) -> float | None:
        began, first = self._speed_from
        seconds = time.monotonic() - began
        return (step - first) * self._config.batch_size / seconds if step > first else None

    def _seconds_left(self, step: int, speed: float | None) -> float | None:
        epochs_left = self._status.epochs - self._epoch
        if self._history["epochs"] and not step:
            return epochs_left * self._history["epochs"][-1]["seconds"]
        if not speed:
            return None
        patches = epochs_left * len(self._split.train) - step * self._config.batch_size
        validation_s = self._validation_s or len(self._split.validation) / (3 * speed)
        return max(0.0, patches / speed) + epochs_left * validation_s

    def _is_out_of_patience(self) -> bool:
        if not self._config.early_stopping or self._history["lowest"] is None:
            return False
        waited_from = max(self._history["lowest"]["epoch"], self._status.patience_from)
        return self._epoch - waited_from >= self._config.patience

    def _end_sentence(self) -> str:
        if self._epoch >= self._status.epochs:
            return f"All {self._status.epochs} epochs are done."
        return (
            f"Stopped early after epoch {self._epoch}: the validation loss has not improved since "
            f"epoch {self._history['lowest']['epoch']}."
        )

    def _check_stop(self, *_: int) -> None:
        if self._stop_asked() or self._run.stop_requested():
            raise StopAsked

    def _tell(self, **changes: Any) -> None:
        self._status = replace(self._status, updated=time.time(), **changes)
        self._run.write_status(self._status)
        if self._on_status:
            self._on_status(self._status)


class _AfterEachStep(keras.callbacks.Callback):
    """Hands each step's batch to the training."""

    def __init__(self, training: _Training, epoch: int) -> None:
        super().__init__()
        self._training, self._epoch = training, epoch

    def on_train_batch_end(self, batch: int, logs: dict[str, float] | None = None) -> None:
        """Keras counts batches from 0."""
        self._training.after_step(self._epoch, batch + 1, logs or {})


def _rounded(value: float) -> float | None:
    """For the log; None where it is undefined, as the ROC AUC of a batch of one class."""
    return round(float(value), 5) if math.isfinite(value) else None


def _outranks(epoch: dict[str, Any], best: dict[str, Any]) -> bool:
    """The higher ROC AUC on validation; of equal ones the lower loss.

    Not the loss alone: it punishes overconfidence, which grows while the ranking still improves.
    """
    return (epoch["val_roc_auc"], -epoch["val_loss"]) > (best["val_roc_auc"], -best["val_loss"])


def _replace_parquet(path: Path, table: pd.DataFrame) -> None:
    durable.replace_file(path, table.astype({"probability": "float32"}).to_parquet(index=False))
