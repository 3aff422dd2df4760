"""Forks: new runs that start from the checkpoint of another run, with other settings.

A fork is an ordinary run whose epochs count from 1. Its folder holds ``lineage.json`` and a copy of
the parent's checkpoint, so it does not depend on the parent. It keeps the parent's data and split
for every seed, so that it neither trains on nor is scored with patches of the wrong part. Another
seed resamples the training patches among the training cases.
"""

import json
import shutil
from dataclasses import asdict, replace
from pathlib import Path

from idc.errors import RunError
from idc.files import atomic
from idc.launch.start import create_run, start_trainer
from idc.runs.checkpoint_files import FORK_ORIGIN, list_checkpoints, read_checkpoint
from idc.runs.lineage import LINEAGE_FILE, Lineage
from idc.runs.run import Run
from idc.settings.training_config import TrainingConfig

INHERITED_SETTINGS = (
    "data",
    "preset",
    "architecture",
    "protocol",
    "unlisted",
    "patches",
    "folds",
    "fold",
    "leave_out_marked",
)


def fork_run(parent: Run, config: TrainingConfig) -> Run:
    """Create a fork with `create_fork` and start its trainer.

    Raises:
        RunError: as for `create_fork`, or the trainer cannot be started.
    """
    run = create_fork(parent, config)
    start_trainer(run)
    return run


def create_fork(parent: Run, config: TrainingConfig) -> Run:
    """Create a run that starts from the parent's newest checkpoint.

    Args:
        config: settings of the fork; those in `INHERITED_SETTINGS` are replaced by the parent's.

    Raises:
        RunError: the parent has no checkpoint, or the run cannot be written.
    """
    parent_config = parent.config
    settings = {name: getattr(parent_config, name) for name in INHERITED_SETTINGS}
    settings["split_seed"] = (
        parent_config.seed if parent_config.split_seed is None else parent_config.split_seed
    )
    config = replace(config, **settings)
    checkpoint = _latest_valid_checkpoint(parent)
    position = json.loads(checkpoint.read_text(encoding="utf-8"))
    lineage = Lineage(
        parent.id,
        parent.title,
        position["epoch"],
        position.get("step", 0),
        {
            name: (before, now)
            for name, now in config.to_json().items()
            if (before := getattr(parent_config, name)) != now
            and name not in ("name", "split_seed")
        },
        # A schedule depends on the optimizer's step count, so its cycle restarts with a new
        # optimizer. In mixed precision the optimizer also holds the loss scale.
        with_optimizer=parent_config.optimizer == config.optimizer
        and parent_config.precision == config.precision
        and parent_config.schedule == config.schedule == "constant",
    )
    return create_run(
        config,
        left_out_from=parent,
        populate=lambda folder: _copy_checkpoint(checkpoint, folder, lineage),
    )


def can_fork(run: Run) -> bool:
    """Whether the run has a checkpoint and no live trainer that may replace it."""
    return not run.status().live and bool(list_checkpoints(run.folder))


def _latest_valid_checkpoint(run: Run) -> Path:
    for path in list_checkpoints(run.folder):
        if read_checkpoint(path)[0]:
            return path
    raise RunError(f"The run '{run.title}' has no checkpoint to start from; train it first.")


def _copy_checkpoint(checkpoint: Path, folder: Path, lineage: Lineage) -> None:
    for suffix in (".npz", ".json"):
        copy = folder / f"{FORK_ORIGIN}{suffix}"
        shutil.copyfile(checkpoint.with_suffix(suffix), copy)
        atomic.sync_file(copy)
    atomic.replace_json(folder / LINEAGE_FILE, asdict(lineage))
