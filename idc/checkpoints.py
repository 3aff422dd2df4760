"""Whole training state on disk, so that a continued run computes what an uninterrupted one would.

A checkpoint holds every variable of the model (weights, moving averages, the states of its random
layers) and of the optimizer, and the history. The order of patches and their augmentation need no
state: they are drawn from the seed, the epoch and the step. Keras' own ``BackupAndRestore`` does
not restore all of this.

Two files each: ``epoch-0003.npz`` and, written after it, ``epoch-0003.json`` with its checksum.
One without the other, or one that does not match, does not count.
"""

import hashlib
import io
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np

from idc import durable

FOLDER = "checkpoints"
_KEPT = 2


def save_checkpoint(
    run_folder: Path, model: keras.Model, epoch: int, history: dict[str, Any]
) -> None:
    """Write a checkpoint, then drop all but the last two.

    Args:
        model: compiled, its optimizer built.
        epoch: finished epochs.
        history: JSON values to give back at `restore_checkpoint`.
    """
    folder = run_folder / FOLDER
    folder.mkdir(exist_ok=True)
    buffer = io.BytesIO()
    arrays: dict[str, Any] = {f"v{i:04d}": np.asarray(v) for i, v in enumerate(_variables(model))}
    np.savez(buffer, **arrays)
    content = buffer.getvalue()
    stem = f"epoch-{epoch:04d}"
    durable.replace_file(folder / f"{stem}.npz", content)
    description = {
        "epoch": epoch,
        "sha256": hashlib.sha256(content).hexdigest(),
        "variables": _description(model),
        "history": history,
    }
    durable.replace_json(folder / f"{stem}.json", description)
    for old in _newest_first(folder)[_KEPT:]:
        old.unlink()
        old.with_suffix(".npz").unlink(missing_ok=True)


def restore_checkpoint(run_folder: Path, model: keras.Model) -> tuple[int, dict[str, Any]]:
    """Load the newest good checkpoint into a freshly built and compiled model.

    Returns:
        (finished epochs, history); (0, {}) when there is none.
    """
    for path in _newest_first(run_folder / FOLDER):
        description, values = _read(path)
        if description and description["variables"] == _description(model):
            for variable, value in zip(_variables(model), values, strict=True):
                variable.assign(value)
            return description["epoch"], description["history"]
    return 0, {}


def _read(path: Path) -> tuple[dict[str, Any], list[np.ndarray]]:
    try:
        description = json.loads(path.read_text())
        content = path.with_suffix(".npz").read_bytes()
        if hashlib.sha256(content).hexdigest() != description["sha256"]:
            return {}, []
    except (OSError, ValueError, KeyError):
        return {}, []
    with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
        return description, [arrays[name] for name in sorted(arrays.files)]


def _newest_first(folder: Path) -> list[Path]:
    return sorted(folder.glob("epoch-*.json"), reverse=True)


def _variables(model: keras.Model) -> Sequence[Any]:
    return [*model.variables, *model.optimizer.variables]


def _description(model: keras.Model) -> list[list[Any]]:
    return [[list(v.shape), keras.backend.standardize_dtype(v.dtype)] for v in _variables(model)]
