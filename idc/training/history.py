"""The history of a run: finished epochs, the best one, the current one.

Every checkpoint contains it, so that a continued run ranks epochs and counts patience as an
uninterrupted one would.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np


@dataclass
class EpochInProgress:
    """An epoch between its first step and its end.

    Attributes:
        step: finished steps. ``loss``, ``accuracy``: means over their batches.
        seconds: of work, up to the latest checkpoint.
    """

    step: int = 0
    loss: float = 0.0
    accuracy: float = 0.0
    seconds: float = 0.0


@dataclass
class History:
    """JSON values only.

    Attributes:
        epochs: the log's entry of each finished epoch.
        best: ``epoch``, ``val_loss``, ``val_roc_auc`` of the epoch whose weights are kept.
        lowest: the same of the epoch with the lowest validation loss, from which early stopping
            counts.
        elapsed_s: seconds of work, without pauses.
        under_way: the current epoch; None between two epochs.
    """

    epochs: list[dict[str, Any]] = field(default_factory=list)
    best: dict[str, Any] | None = None
    lowest: dict[str, Any] | None = None
    elapsed_s: float = 0.0
    under_way: EpochInProgress | None = None

    @property
    def epoch(self) -> int:
        """Number of finished epochs."""
        return len(self.epochs)

    @property
    def step(self) -> int:
        """Number of finished steps of the current epoch."""
        return self.under_way.step if self.under_way else 0

    def update_best(self, entry: dict[str, Any]) -> bool:
        """Compare an epoch with the previous ones; returns whether it is the best so far."""
        scores = {name: entry[name] for name in ("epoch", "val_loss", "val_roc_auc")}
        if self.lowest is None or entry["val_loss"] < self.lowest["val_loss"]:
            self.lowest = scores
        if self.best is not None and not _is_better(scores, self.best):
            return False
        self.best = scores
        return True

    def finish_epoch(self, entry: dict[str, Any]) -> None:
        """Append the current epoch to the finished ones."""
        self.epochs.append(entry)
        self.under_way = None

    def epochs_without_improvement(self, patience_from: int) -> int:
        """Finished epochs since the lowest validation loss, counted from ``patience_from``."""
        return self.epoch - max(self.lowest["epoch"], patience_from) if self.lowest else 0

    def progress_text(self, epochs: int, steps: int) -> str:
        """For example "2 of 5 epochs and 12 of 40 steps"."""
        within = f" and {self.step} of {steps} steps" if self.step else ""
        return f"{self.epoch} of {epochs} epochs{within}"

    def end_reason(self, epochs: int) -> str:
        """Why no further epoch is trained."""
        if self.epoch >= epochs or self.lowest is None:
            return f"All {epochs} epochs are done." if epochs > 1 else "The epoch is done."
        return (
            f"Stopped early after epoch {self.epoch}: the validation loss has not improved since "
            f"epoch {self.lowest['epoch']}."
        )

    def to_json(self) -> dict[str, Any]:
        """What a checkpoint stores."""
        return asdict(self)

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> "History":
        """Inverse of `to_json`; checkpoints of old runs contain no current epoch."""
        under_way = value.get("under_way")
        return cls(**{**value, "under_way": EpochInProgress(**under_way) if under_way else None})


def _is_better(epoch: dict[str, Any], best: dict[str, Any]) -> bool:
    """The higher ROC AUC on validation; of equal ones the lower loss.

    Not the loss alone: it punishes overconfidence, which grows while the ranking still improves.
    """
    return (epoch["val_roc_auc"], -epoch["val_loss"]) > (best["val_roc_auc"], -best["val_loss"])


@dataclass(frozen=True)
class RestoredCheckpoint:
    """The position from which a run continues.

    Attributes:
        epoch: finished epochs. ``step``: finished steps of the next one.
        history: JSON form of a `History`; empty if there was no usable checkpoint.
        running_means: values of the model's metrics at that step. Keras resets the metrics when
            an epoch begins, so they are set during ``fit``.
        damaged: names of newer checkpoints that could not be used, the newest first.
    """

    epoch: int = 0
    step: int = 0
    history: dict[str, Any] = field(default_factory=dict)
    running_means: Sequence[np.ndarray] = ()
    damaged: tuple[str, ...] = ()

    def note(self) -> str:
        """A sentence about damaged checkpoints; empty if there are none."""
        if not self.damaged:
            return ""
        where = f"epoch {self.epoch}" if self.epoch or self.step else "the start"
        if self.step:
            where += f", step {self.step}"
        newest = ", ".join(self.damaged)
        return f"The newest checkpoint ({newest}) is damaged on disk; the run went on from {where}."
