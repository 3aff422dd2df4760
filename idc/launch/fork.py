"""A run that starts where another one has come to, with other settings: a fork.

The new run is a run like any other, with epochs of its own from 1 on. Its folder holds a copy of
the parent's checkpoint, so that it needs the parent no longer, and ``lineage.json``. It keeps the
parent's data and held-out parts, whatever its seed: what was held out from the parent must not be
what the child is praised for, nor what it trains on. With another seed, its training patches are
drawn anew among the cases that train ("resample and go on").
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
    """Create a fork, see `create_fork`, and start its trainer.

    Raises:
        RunError: as `create_fork`, or it cannot be started.
    """
    run = create_fork(parent, config)
    start_trainer(run)
    return run


def create_fork(parent: Run, config: TrainingConfig) -> Run:
    """Create a run that starts from the parent's newest checkpoint.

    Args:
        config: what it trains with; the settings in `INHERITED_SETTINGS` are the parent's.

    Raises:
        RunError: the parent has no checkpoint, or the run cannot be written.
    """
    own = parent.config
    settings = {name: getattr(own, name) for name in INHERITED_SETTINGS}
    settings["split_seed"] = own.seed if own.split_seed is None else own.split_seed
    config = replace(config, **settings)
    checkpoint = _latest_valid_checkpoint(parent)
    at = json.loads(checkpoint.read_text(encoding="utf-8"))
    about = Lineage(
        parent.id,
        parent.title,
        at["epoch"],
        at.get("step", 0),
        {
            name: (before, now)
            for name, now in config.to_json().items()
            if (before := getattr(own, name)) != now and name not in ("name", "split_seed")
        },
        # A schedule follows the optimizer's count of steps: its cycle begins anew, and so does it.
        # In mixed precision it holds the scale of the loss besides.
        with_optimizer=own.optimizer == config.optimizer
        and own.precision == config.precision
        and own.schedule == config.schedule == "constant",
    )
    return create_run(
        config,
        left_out_from=parent,
        populate=lambda folder: _copy_checkpoint(checkpoint, folder, about),
    )


def can_fork(run: Run) -> bool:
    """Whether there is a checkpoint to start from, and nobody is about to replace it."""
    return not run.status().live and bool(list_checkpoints(run.folder))


def _latest_valid_checkpoint(run: Run) -> Path:
    for path in list_checkpoints(run.folder):
        if read_checkpoint(path)[0]:
            return path
    raise RunError(f"The run '{run.title}' has no checkpoint to start from; train it first.")


def _copy_checkpoint(checkpoint: Path, folder: Path, about: Lineage) -> None:
    for suffix in (".npz", ".json"):
        copy = folder / f"{FORK_ORIGIN}{suffix}"
        shutil.copyfile(checkpoint.with_suffix(suffix), copy)
        atomic.sync_file(copy)
    atomic.replace_json(folder / LINEAGE_FILE, asdict(about))
