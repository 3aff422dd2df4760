"""The whole training state on disk, so that a continued run equals an uninterrupted one.

A checkpoint contains every variable of the model (weights, moving averages, the states of its
random layers) and of the optimizer, the running means of the current epoch, and the history. The
order of the patches and their augmentation need no state: they are functions of the seed, the epoch
and the step. Keras' own ``BackupAndRestore`` does not restore all of this.
"""

import hashlib
import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np

from idc.errors import RunError
from idc.files import atomic
from idc.networks.backends import portable_dtype, sync_variables
from idc.runs.checkpoint_files import (
    CHECKPOINTS_DIR,
    FORK_ORIGIN,
    arrays_with_prefix,
    list_checkpoints,
    read_checkpoint,
)
from idc.training.device_patches import variables_without_patches
from idc.training.history import RestoredCheckpoint

_CHECKPOINTS_KEPT = 2


def save_checkpoint(
    run_folder: Path, model: keras.Model, epoch: int, history: dict[str, Any], *, step: int = 0
) -> None:
    """Write a checkpoint, then delete all others but the previous one.

    Args:
        model: compiled, its optimizer built.
        epoch: finished epochs. ``step``: finished steps of the next one.
        history: JSON values that `restore_checkpoint` returns.
    """
    sync_variables(model)
    folder = run_folder / CHECKPOINTS_DIR
    folder.mkdir(exist_ok=True)
    buffer = io.BytesIO()
    arrays: dict[str, Any] = {f"v{i:04d}": np.asarray(v) for i, v in enumerate(_variables(model))}
    if step:
        arrays |= {f"m{i:04d}": np.asarray(v) for i, v in enumerate(model.metrics_variables)}
    np.savez(buffer, **arrays)
    content = buffer.getvalue()
    stem = f"epoch-{epoch:04d}" + (f"-step-{step:06d}" if step else "")
    atomic.replace_file(folder / f"{stem}.npz", content)
    description = {
        "epoch": epoch,
        "step": step,
        "sha256": hashlib.sha256(content).hexdigest(),
        "variables": _variable_specs(model),
        "history": history,
    }
    atomic.replace_json(folder / f"{stem}.json", description)
    existing = list_checkpoints(run_folder)
    own = next(i for i, path in enumerate(existing) if path.stem == stem)
    # Newer ones are damaged; otherwise the run would have continued from them.
    for obsolete in [*existing[:own], *existing[own + _CHECKPOINTS_KEPT :]]:
        obsolete.unlink()
        obsolete.with_suffix(".npz").unlink(missing_ok=True)


def restore_checkpoint(run_folder: Path, model: keras.Model) -> RestoredCheckpoint:
    """Load the newest intact checkpoint into a newly built and compiled model."""
    damaged: list[str] = []
    for path in list_checkpoints(run_folder):
        description, arrays = read_checkpoint(path)
        if description and _with_portable_dtypes(description["variables"]) == _with_portable_dtypes(
            _variable_specs(model)
        ):
            for variable, value in zip(
                _variables(model), arrays_with_prefix(arrays, "v"), strict=True
            ):
                variable.assign(value)
            return RestoredCheckpoint(
                description["epoch"],
                description.get("step", 0),
                description["history"],
                arrays_with_prefix(arrays, "m"),
                tuple(damaged),
            )
        damaged.append(path.stem)
    return RestoredCheckpoint(damaged=tuple(damaged))


def load_fork_origin(run_folder: Path, model: keras.Model, *, with_optimizer: bool) -> None:
    """Load the weights of a fork's origin, and its optimizer's state where the variables match.

    Args:
        with_optimizer: whether to load the optimizer's state; the learning rate stays the model's.

    Raises:
        RunError: the origin is damaged.
    """
    description, arrays = read_checkpoint(run_folder / f"{FORK_ORIGIN}.json")
    own = _with_portable_dtypes(_variable_specs(model))
    network = variables_without_patches(model.variables)
    weights = len(network)
    stored = _with_portable_dtypes(description["variables"]) if description else []
    if stored[:weights] != own[:weights] or not description:
        raise RunError(
            "The checkpoint that this run was forked from is damaged on disk; fork it again."
        )
    values = arrays_with_prefix(arrays, "v")
    for variable, value in zip(network, values, strict=False):
        variable.assign(value)
    if with_optimizer and stored == own:
        rate = float(model.optimizer.learning_rate)
        for variable, value in zip(model.optimizer.variables, values[weights:], strict=True):
            variable.assign(value)
        model.optimizer.learning_rate = rate


def _variables(model: keras.Model) -> Sequence[Any]:
    return [*variables_without_patches(model.variables), *model.optimizer.variables]


def _with_portable_dtypes(description: list[list[Any]]) -> list[list[Any]]:
    """For comparison: a checkpoint of one backend continues on the other."""
    return [[shape, portable_dtype(dtype)] for shape, dtype in description]


def _variable_specs(model: keras.Model) -> list[list[Any]]:
    return [[list(v.shape), keras.backend.standardize_dtype(v.dtype)] for v in _variables(model)]
