"""What a run has been through so far: finished epochs, the best one, the epoch under way.

It is part of every checkpoint, so that a run that goes on ranks, waits and counts as if it had
never been away.
"""

from dataclasses import asdict, dataclass, field
from typing import Any


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
    """All of it; JSON values alone.

    Attributes:
        epochs: the log's entry of each finished epoch.
        best: ``epoch``, ``val_loss``, ``val_roc_auc`` of the epoch whose weights are kept.
        lowest: the same of the epoch with the lowest validation loss, which early stopping waits
            from.
        elapsed_s: seconds of work, pauses left out.
        under_way: None between two epochs.
    """

    epochs: list[dict[str, Any]] = field(default_factory=list)
    best: dict[str, Any] | None = None
    lowest: dict[str, Any] | None = None
    elapsed_s: float = 0.0
    under_way: EpochInProgress | None = None

    @property
    def epoch(self) -> int:
        """Finished epochs."""
        return len(self.epochs)

    @property
    def step(self) -> int:
        """Finished steps of the epoch under way."""
        return self.under_way.step if self.under_way else 0

    def rank(self, entry: dict[str, Any]) -> bool:
        """Compare an epoch that has just ended; returns whether it is the best so far."""
        rank = {name: entry[name] for name in ("epoch", "val_loss", "val_roc_auc")}
        if self.lowest is None or entry["val_loss"] < self.lowest["val_loss"]:
            self.lowest = rank
        if self.best is not None and not _is_better(rank, self.best):
            return False
        self.best = rank
        return True

    def finish_epoch(self, entry: dict[str, Any]) -> None:
        """The epoch under way becomes a finished one."""
        self.epochs.append(entry)
        self.under_way = None

    def epochs_without_improvement(self, patience_from: int) -> int:
        """Finished epochs since the lowest validation loss, none before ``patience_from``."""
        return self.epoch - max(self.lowest["epoch"], patience_from) if self.lowest else 0

    def progress_text(self, epochs: int, steps: int) -> str:
        """How far it came, in words: "2 of 5 epochs and 12 of 40 steps"."""
        within = f" and {self.step} of {steps} steps" if self.step else ""
        return f"{self.epoch} of {epochs} epochs{within}"

    def end_reason(self, epochs: int) -> str:
        """Why it needs no further epoch."""
        if self.epoch >= epochs or self.lowest is None:
            return f"All {epochs} epochs are done." if epochs > 1 else "The epoch is done."
        return (
            f"Stopped early after epoch {self.epoch}: the validation loss has not improved since "
            f"epoch {self.lowest['epoch']}."
        )

    def to_json(self) -> dict[str, Any]:
        """What a checkpoint keeps of it."""
        return asdict(self)

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> "History":
        """Read it back; checkpoints of old runs know no epoch under way."""
        under_way = value.get("under_way")
        return cls(**{**value, "under_way": EpochInProgress(**under_way) if under_way else None})


def _is_better(epoch: dict[str, Any], best: dict[str, Any]) -> bool:
    """The higher ROC AUC on validation; of equal ones the lower loss.

    Not the loss alone: it punishes overconfidence, which grows while the ranking still improves.
    """
    return (epoch["val_roc_auc"], -epoch["val_loss"]) > (best["val_roc_auc"], -best["val_loss"])
