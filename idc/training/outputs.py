"""What a training leaves for others: the best weights, their answers, the model as a file."""

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
from idc.files import atomic
from idc.networks.inference import predict_probabilities
from idc.networks.weights import load_model, previous_weights_path, save_weights
from idc.runs.run import BEST_FILE, PREDICTIONS_FILE, WEIGHTS_FILE, Run

MODEL_FILE = "model.keras"


def save_best_weights(run: Run, model: keras.Model, rank: dict[str, Any]) -> None:
    """Replace the run's best weights.

    The file and its digest, in ``best.json``, cannot change in one moment: so the weights before
    keep a name of their own until the next ones come, and `load_model` finds them under the old
    digest, whenever this is cut off.

    Args:
        rank: ``epoch`` and its scores.
    """
    path = run.folder / WEIGHTS_FILE
    with atomic.replacement_path(path) as beside:
        save_weights(model, beside)
        digest = atomic.file_sha256(beside)
        if path.exists() and run.best().get("sha256") == atomic.file_sha256(path):
            _keep_previous_weights(path)
    atomic.replace_json(
        run.folder / BEST_FILE,
        {
            **rank,
            "preset": run.config.preset,
            "parameters": model.count_params(),
            "sha256": digest,
        },
    )


def save_predictions(run: Run, split: Split, answers: dict[str, np.ndarray]) -> None:
    """Replace ``predictions.parquet``.

    Args:
        answers: part -> float32 [0, 1], one for each of the part's rows.
    """
    table = pd.concat(
        pd.DataFrame({"row": split.rows(part), "probability": y_prob, "part": part})
        for part, y_prob in answers.items()
    )
    content = table.astype({"probability": "float32"}).to_parquet(index=False)
    atomic.replace_file(run.folder / PREDICTIONS_FILE, content)


def predict_held_out(run: Run, split: Split, store: PatchStore) -> None:
    """Let the best weights answer for the held-out parts; save the model for others."""
    best = load_model(run.folder / WEIGHTS_FILE, run.config.network, run.best()["sha256"])
    save_predictions(
        run,
        split,
        {
            part: predict_probabilities(best, store.patches, split.rows(part))
            for part in ("validation", "test")
        },
    )
    # For other programs: uncompiled, so that loading it needs no class of ours.
    with atomic.replacement_path(run.folder / MODEL_FILE) as beside:
        best.save(beside)


def _keep_previous_weights(path: Path) -> None:
    kept = previous_weights_path(path)
    kept.unlink(missing_ok=True)
    with contextlib.suppress(OSError):  # a file system without links: copy
        os.link(path, kept)
        return
    shutil.copyfile(path, kept)
    atomic.sync_file(kept)
