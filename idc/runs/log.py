"""``log.jsonl``: one line per logged step, epoch and start; append-only.

An interrupted run resumes from its last checkpoint. The line ``{"event": "start", "epoch": e,
"step": s}`` therefore supersedes all earlier lines about steps after step s of epoch e + 1, and
`read_log` omits those.
"""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from idc.files import atomic

LOG_FILE = "log.jsonl"


@dataclass
class RunLog:
    """The log of a run, oldest entries first.

    Attributes:
        steps: ``epoch`` (from 1), ``step`` (from 1, within the epoch), ``loss``, ``accuracy``,
            ``balanced_accuracy``, ``roc_auc`` of the step's batch (None where undefined),
            ``elapsed_s``.
        epochs: ``epoch``, ``loss``, ``accuracy`` (means over the epoch's batches), ``val_loss``,
            ``val_accuracy``, ``val_balanced_accuracy``, ``val_roc_auc`` (None where undefined),
            ``val_confusion_matrix`` ([[tn, fp], [fn, tp]] at 0.5), ``val_worst``
            (`idc.training.validation.worst_patches`), ``seconds``, ``elapsed_s``, ``best`` (so
            far). Older logs lack ``val_worst`` and ``elapsed_s``.
        starts: one entry per start of the trainer: ``epoch`` (finished epochs) and ``step`` that
            it resumed from, ``damaged`` (names of checkpoints that could not be used).
    """

    steps: list[dict[str, Any]] = field(default_factory=list)
    epochs: list[dict[str, Any]] = field(default_factory=list)
    starts: list[dict[str, Any]] = field(default_factory=list)

    def best_epoch(self) -> dict[str, Any] | None:
        """The epoch of the best weights: the last one that improved on all earlier ones."""
        return next((epoch for epoch in reversed(self.epochs) if epoch.get("best")), None)


class LogWriter:
    """Appends lines; each is flushed immediately, so that pages see it and a kill keeps it."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / LOG_FILE
        self._terminate_partial_line()

    def append(self, event: str, **values: Any) -> None:
        """Write one line."""
        atomic.append_bytes(self._path, (json.dumps({"event": event, **values}) + "\n").encode())

    def _terminate_partial_line(self) -> None:
        """End a line that a killed writer left incomplete."""
        if self._path.exists() and (content := self._path.read_bytes()) and content[-1:] != b"\n":
            atomic.append_bytes(self._path, b"\n")


def read_log(folder: Path) -> RunLog:
    """Read a run's log, also while it is being written; incomplete lines are skipped."""
    log = RunLog()
    path = folder / LOG_FILE
    if path.exists():
        extend_log(log, path.read_text(encoding="utf-8", errors="replace"))
    return log


def extend_log(log: RunLog, lines: str) -> None:
    """Parse further lines into the log."""
    for line in lines.splitlines():
        try:
            entry = json.loads(line)
        except ValueError:
            continue  # incomplete, see LogWriter
        event = entry.pop("event", None) if isinstance(entry, dict) else None
        if event == "step":
            log.steps.append(entry)
        elif event == "epoch":
            log.epochs.append(entry)
        elif event == "start":
            kept = (entry["epoch"] + 1, entry.get("step", 0))
            log.steps = [step for step in log.steps if (step["epoch"], step["step"]) <= kept]
            log.epochs = [epoch for epoch in log.epochs if epoch["epoch"] <= entry["epoch"]]
            log.starts.append(entry)
