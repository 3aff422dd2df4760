"""Scores on the validation part after each epoch."""

from collections.abc import Callable
from typing import Any

import numpy as np

from idc.datasets.place import place_of
from idc.datasets.store import PatchStore
from idc.metrics.scores import evaluate
from idc.networks.inference import predict_probabilities
from idc.training.setup import TrainingSetup

_SCORES = ("accuracy", "balanced_accuracy", "roc_auc", "confusion_matrix")


def score_validation(
    setup: TrainingSetup, on_progress: Callable[..., None]
) -> tuple[dict[str, Any], np.ndarray]:
    """Predict the validation part with the current weights.

    Args:
        on_progress: called after each batch.

    Returns:
        the ``val_...`` values of `idc.runs.log.RunLog.epochs`, and y_prob: float32 [0, 1],
        shape (n,).
    """
    rows = setup.split.validation
    y_prob = predict_probabilities(setup.model, setup.store.patches, rows, on_progress=on_progress)
    scores = evaluate(setup.store.labels[rows], y_prob).to_json()
    entry = {"val_loss": scores["log_loss"], **{f"val_{name}": scores[name] for name in _SCORES}}
    return entry | {"val_worst": worst_patches(setup.store, rows, y_prob)}, y_prob


def worst_patches(
    store: PatchStore, rows: np.ndarray, y_prob: np.ndarray, limit: int = 12
) -> list[list[Any]]:
    """The wrong predictions farthest from their label, as ``log.jsonl`` holds them.

    Args:
        rows: int64, shape (n,). ``y_prob``: float [0, 1], shape (n,).

    Returns:
        [place, probability] of each, such as ["8863_451_1451", 0.987]; the worst first.
    """
    labels = store.labels[rows]
    wrong = np.flatnonzero((y_prob >= 0.5) != (labels == 1))
    distance = np.abs(labels[wrong] - y_prob[wrong])
    worst = wrong[np.argsort(-distance, kind="stable")[:limit]]
    return [[str(place_of(store, int(rows[i]))), round(float(y_prob[i]), 4)] for i in worst]
