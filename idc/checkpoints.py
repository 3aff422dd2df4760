"""Whole training state on disk, so that a continued run computes what an uninterrupted one would.

A checkpoint holds every variable of the model (weights, moving averages, the states of its random
layers) and of the optimizer, the running means of an epoch under way, and the history. The order
of patches and their augmentation need no state: they are drawn from the seed, the epoch and the
step. Keras' own ``BackupAndRestore`` does not restore all of this.

Two files each: ``epoch-0003.npz`` (``epoch-0003-step-000120.npz`` within the epoch after it) and,
written after it, the same name with ``.json`` and the checksum. One without the other, or one that
does not match, does not count.
"""

import hashlib
import io
import json
import re
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import keras
import numpy as np

from idc import durable

FOLDER = "checkpoints"
_KEPT = 2
_NAME = re.compile(r"epoch-(\d+)(?:-step-(\d+))?\.json")


@dataclass(frozen=True)
class Restored:
    """Where a run goes on.

    Attributes:
        epoch: finished epochs. ``step``: finished steps of the next one.
        history: as given to `save_checkpoint`; empty when there was no checkpoint.
        running_means: values of the model's metrics at that step; they exist only once the model
            trains, so whoever trains it sets them.
        damaged: names of newer checkpoints that could not be used, the newest first.
    """

    epoch: int = 0
    step: int = 0
    history: dict[str, Any] = field(default_factory=dict)
    running_means: Sequence[np.ndarray] = ()
    damaged: tuple[str, ...] = ()

    def note(self) -> str:
        """What somebody should know about damaged checkpoints; empty when there are none."""
        if not self.damaged:
            return ""
        where = f"epoch {self.epoch}" if self.epoch or self.step else "the start"
        if self.step:
            where += f", step {self.step}"
        newest = ", ".join(self.damaged)
        return f"The newest checkpoint ({newest}) is damaged on disk; the run went on from {where}."


def save_checkpoint(
    run_folder: Path, model: keras.Model, epoch: int, history: dict[str, Any], *, step: int = 0
) -> None:
    """Write a checkpoint, then drop all but the last two.

    Args:
        model: compiled, its optimizer built.
        epoch: finished epochs. ``step``: finished steps of the next one.
        history: JSON values to give back at `restore_checkpoint`.
    """
    folder = run_folder / FOLDER
    folder.mkdir(exist_ok=True)
    buffer = io.BytesIO()
    arrays: dict[str, Any] = {f"v{i:04d}": np.asarray(v) for i, v in enumerate(_variables(model))}
    if step:
        arrays |= {f"m{i:04d}": np.asarray(v) for i, v in enumerate(model.metrics_variables)}
    np.savez(buffer, **arrays)
    content = buffer.getvalue()
    stem = f"epoch-{epoch:04d}" + (f"-step-{step:06d}" if step else "")
    durable.replace_file(folder / f"{stem}.npz", content)
    description = {
        "epoch": epoch,
        "step": step,
        "sha256": hashlib.sha256(content).hexdigest(),
        "variables": _description(model),
        "history": history,
    }
    durable.replace_json(folder / f"{stem}.json", description)
    for old in newest_first(run_folder)[_KEPT:]:
        old.unlink()
        old.with_suffix(".npz").unlink(missing_ok=True)


def restore_checkpoint(run_folder: Path, model: keras.Model) -> Restored:
    """Load the newest good checkpoint into a freshly built and compiled model."""
    damaged: list[str] = []
    for path in newest_first(run_folder):
        description, arrays = read_checkpoint(path)
        if description and description["variables"] == _description(model):
            for variable, value in zip(_variables(model), of_kind(arrays, "v"), strict=True):
                variable.assign(value)
            return Restored(
                description["epoch"],
                description.get("step", 0),
                description["history"],
                of_kind(arrays, "m"),
                tuple(damaged),
            )
        damaged.append(path.stem)
    return Restored(damaged=tuple(damaged))


def newest_first(run_folder: Path) -> list[Path]:
    """The descriptions of a run's checkpoints; what they describe may be damaged."""
    found = []
    for path in (run_folder / FOLDER).glob("epoch-*.json"):
        if match := _NAME.fullmatch(path.name):
            found.append((int(match[1]), int(match[2] or 0), path))
    return [path for *_, path in sorted(found, reverse=True)]


def read_checkpoint(path: Path) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """A checkpoint's description and arrays; both empty when it is damaged."""
    try:
        description = json.loads(path.read_text(encoding="utf-8"))
        content = path.with_suffix(".npz").read_bytes()
        if hashlib.sha256(content).hexdigest() != description["sha256"]:
            return {}, {}
        with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
            return description, dict(arrays)
    except (OSError, ValueError, KeyError, TypeError, zipfile.BadZipFile):
        return {}, {}


def of_kind(arrays: dict[str, np.ndarray], kind: str) -> list[np.ndarray]:
    """The arrays whose name begins so, in order: "v" variables, "m" running means."""
    return [arrays[name] for name in sorted(arrays) if name.startswith(kind)]


def _variables(model: keras.Model) -> Sequence[Any]:
    return [*model.variables, *model.optimizer.variables]


def _description(model: keras.Model) -> list[list[Any]]:
    return [[list(v.shape), keras.backend.standardize_dtype(v.dtype)] for v in _variables(model)]
