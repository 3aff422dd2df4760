"""A run that starts where another one has come to, with other settings: a fork.

The new run is a run like any other, with epochs of its own from 1 on. Its folder holds a copy of
the parent's checkpoint, so that it needs the parent no longer, and ``lineage.json``. It keeps the
parent's data and held-out parts, whatever its seed: what was held out from the parent must not be
what the child is praised for, nor what it trains on. With another seed, its training patches are
drawn anew among the cases that train ("resample and go on").
"""

import json
import shutil
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from idc.checkpoint_files import ORIGIN, newest_first, read_checkpoint
from idc.errors import RunError
from idc.files import atomic
from idc.runs import Run
from idc.settings.training_config import TrainingConfig
from idc.starting import create_run, start_trainer

LINEAGE_FILE = "lineage.json"
KEPT = (
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


@dataclass(frozen=True)
class Lineage:
    """Where a run comes from.

    Attributes:
        parent: the run's id. ``title``: what it was called then.
        epoch: the parent's finished epochs. ``step``: finished steps of the next one.
        changed: setting -> (the parent's value, the child's).
        with_optimizer: whether the optimizer goes on too, or begins anew.
    """

    parent: str
    title: str
    epoch: int
    step: int
    changed: dict[str, tuple[Any, Any]]
    with_optimizer: bool

    def sentence(self) -> str:
        """In words."""
        where = f"epoch {self.epoch}" + (f" and {self.step} steps" if self.step else "")
        changes = ", ".join(f"{name} {old} → {new}" for name, (old, new) in self.changed.items())
        return f"Forked from {self.title} after {where}; " + (
            f"other settings: {changes}." if changes else "the same settings."
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
        config: what it trains with; the settings in `KEPT` are the parent's.

    Raises:
        RunError: the parent has no checkpoint, or the run cannot be written.
    """
    own = parent.config
    settings = {name: getattr(own, name) for name in KEPT}
    settings["split_seed"] = own.seed if own.split_seed is None else own.split_seed
    config = replace(config, **settings)
    checkpoint = _newest_good(parent)
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
        config, same_left_out_as=parent, fill=lambda folder: _copy(checkpoint, folder, about)
    )


def lineage(run: Run) -> Lineage | None:
    """Where a run comes from; None for one that began by itself."""
    try:
        value = json.loads((run.folder / LINEAGE_FILE).read_text(encoding="utf-8"))
        return Lineage(**{**value, "changed": {k: tuple(v) for k, v in value["changed"].items()}})
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def can_fork(run: Run) -> bool:
    """Whether there is a checkpoint to start from, and nobody is about to replace it."""
    return not run.status().live and bool(newest_first(run.folder))


def _newest_good(run: Run) -> Path:
    for path in newest_first(run.folder):
        if read_checkpoint(path)[0]:
            return path
    raise RunError(f"The run '{run.title}' has no checkpoint to start from; train it first.")


def _copy(checkpoint: Path, folder: Path, about: Lineage) -> None:
    for suffix in (".npz", ".json"):
        copy = folder / f"{ORIGIN}{suffix}"
        shutil.copyfile(checkpoint.with_suffix(suffix), copy)
        atomic.sync_file(copy)
    atomic.replace_json(folder / LINEAGE_FILE, asdict(about))
