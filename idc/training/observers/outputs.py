"""What a training leaves in the run's folder: weights, predictions, filters, the whole model."""

import contextlib
import os
import shutil
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pandas as pd

from idc.datasets.splits import Split
from idc.datasets.store import PatchStore
from idc.errors import DamagedFile
from idc.files import atomic
from idc.networks.inference import predict_probabilities
from idc.networks.weights import load_model, previous_weights_path, save_weights
from idc.runs.checksums import write_checked, write_checked_json
from idc.runs.first_filters import save_first_filters
from idc.runs.model_hash import model_sha256
from idc.runs.run import BEST_FILE, ENVIRONMENT_FILE, PREDICTIONS_FILE, WEIGHTS_FILE, Run
from idc.training.environment import describe_environment
from idc.training.observers.observer import Observer
from idc.training.setup import TrainingSetup
from idc.training.state import TrainingState

MODEL_FILE = "model.keras"


class OutputObserver(Observer):
    """Writes the environment at the start, the filters and the best weights after an epoch."""

    def __init__(self, setup: TrainingSetup) -> None:
        self._run, self._store, self._split = setup.run, setup.store, setup.split
        self._model = setup.model

    def on_train_begin(self, state: TrainingState) -> None:
        """Filters belong to the end of an epoch, so a start within one writes none."""
        if not state.restored.step:
            save_first_filters(self._run.folder, self._model, state.restored.epoch)
        environment = describe_environment(self._store)
        write_checked_json(self._run.folder / ENVIRONMENT_FILE, environment)

    def on_validation_end(
        self, state: TrainingState, entry: dict[str, Any], y_prob: np.ndarray
    ) -> None:
        if entry["best"]:
            save_best_weights(self._run, self._model, state.history.best or {})
            save_predictions(self._run, self._split, {"validation": y_prob})

    def on_epoch_end(self, state: TrainingState, entry: dict[str, Any]) -> None:
        save_first_filters(self._run.folder, self._model, entry["epoch"])


def save_best_weights(run: Run, model: keras.Model, scores: dict[str, Any]) -> None:
    """Replace the run's best weights.

    The file and its digest in ``best.json`` cannot be replaced in one operation. The previous
    weights therefore keep a name of their own until the next replacement, and `load_model` finds
    them by the old digest if this process is killed in between.

    Args:
        scores: ``epoch``, ``val_loss``, ``val_roc_auc``.
    """
    path = run.folder / WEIGHTS_FILE
    with atomic.replacement_path(path) as temporary:
        save_weights(model, temporary)
        digest, model_digest = atomic.file_sha256(temporary), model_sha256(temporary)
        if path.exists() and _best_sha256(run) == atomic.file_sha256(path):
            _keep_previous_weights(path)
    write_checked_json(
        run.folder / BEST_FILE,
        {
            **scores,
            "preset": run.config.preset,
            "parameters": model.count_params(),
            "sha256": digest,
            "model_sha256": model_digest,
        },
    )


def save_predictions(run: Run, split: Split, y_probs: dict[str, np.ndarray]) -> None:
    """Replace ``predictions.parquet``.

    Args:
        y_probs: part -> float32 [0, 1], one value per row of the part.
    """
    table = pd.concat(
        pd.DataFrame({"row": split.rows(part), "probability": y_prob, "part": part})
        for part, y_prob in y_probs.items()
    )
    content = table.astype({"probability": "float32"}).to_parquet(index=False)
    write_checked(run.folder / PREDICTIONS_FILE, content)


def predict_held_out(run: Run, split: Split, store: PatchStore) -> None:
    """Predict the held-out parts with the best weights; save the whole model as a file."""
    best = load_model(
        run.folder / WEIGHTS_FILE,
        run.config.network,
        run.best()["sha256"],
        store.description.side_px,
    )
    save_predictions(
        run,
        split,
        {
            part: predict_probabilities(best, store.patches, split.rows(part))
            for part in ("validation", "test")
        },
    )
    # For other programs: uncompiled, so that loading it needs no class of this project.
    with atomic.replacement_path(run.folder / MODEL_FILE) as temporary:
        best.save(temporary)


def _best_sha256(run: Run) -> str:
    try:
        return str(run.best().get("sha256"))
    except DamagedFile:  # it is about to be replaced
        return ""


def _keep_previous_weights(path: Path) -> None:
    previous = previous_weights_path(path)
    previous.unlink(missing_ok=True)
    with contextlib.suppress(OSError):  # a file system without hard links: copy
        os.link(path, previous)
        return
    shutil.copyfile(path, previous)
    atomic.sync_file(previous)
