"""``log.jsonl``: one line per logged step, epoch and start; append-only.

An interrupted run resumes from its last checkpoint. The line ``{"event": "start", "epoch": e,
"step": s}`` therefore supersedes all earlier lines about steps after step s of epoch e + 1, and
`read_log` omits those.

Each line ends in ``"check"``, the first 16 hex digits of the SHA-256 of the text before it. A line
that differs from its check is left out and reported. Lines of older versions have none.
"""

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from idc.files import atomic
from idc.wording import number_list

LOG_FILE = "log.jsonl"
DAMAGED_LOG_FILE = "log.damaged.jsonl"
_CHECK = b', "check": "'
_CHECK_DIGITS = 16


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
        problems: what is left out because it is damaged or missing, one sentence each.
    """

    steps: list[dict[str, Any]] = field(default_factory=list)
    epochs: list[dict[str, Any]] = field(default_factory=list)
    starts: list[dict[str, Any]] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

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
        atomic.append_bytes(self._path, _checked_line({"event": event, **values}))

    def _terminate_partial_line(self) -> None:
        """End a line that a killed writer left incomplete."""
        if self._path.exists() and (content := self._path.read_bytes()) and content[-1:] != b"\n":
            atomic.append_bytes(self._path, b"\n")


def read_log(folder: Path, finished_epochs: int = 0) -> RunLog:
    """Read a run's log, also while it is being written; an incomplete last line is skipped.

    Args:
        finished_epochs: epochs that must be in the log; each missing one is a problem.
    """
    try:
        log = parse_log((folder / LOG_FILE).read_bytes())
    except FileNotFoundError:
        log = RunLog()
    except OSError as error:
        log = RunLog(problems=[f"The log cannot be read ({error.strerror})."])
    present = {epoch["epoch"] for epoch in log.epochs}
    if missing := [epoch for epoch in range(1, finished_epochs + 1) if epoch not in present]:
        log.problems.append(
            f"The log lacks epoch{'s' if len(missing) > 1 else ''} {number_list(missing)}, so the "
            "curves are incomplete."
        )
    return log


def parse_log(content: bytes) -> RunLog:
    """Parse the lines of a log; damaged ones are left out and named."""
    log, damaged, checked = RunLog(), [], False
    lines = content.split(b"\n")
    entries = [_entry(line) if line.strip() else {} for line in lines]
    for number, (line, entry) in enumerate(zip(lines, entries, strict=True), 1):
        is_checked = _CHECK in line
        if entry is None or (entry and checked and not is_checked):
            if not _is_interrupted(line, entries[number:]):
                damaged.append(number)
            continue
        checked = checked or is_checked
        _add(log, entry)
    # The trainer logs an epoch again, from its checkpoint, if the line was lost.
    log.epochs = [epoch for _, epoch in sorted({e["epoch"]: e for e in log.epochs}.items())]
    if damaged:
        lines_are = (
            f"Line {damaged[0]:,} of the log is"
            if len(damaged) == 1
            else (f"{len(damaged):,} lines of the log are")
        )
        numbers = "" if len(damaged) == 1 else f": {number_list(damaged)}"
        log.problems.append(f"{lines_are} damaged and left out{numbers}.")
    return log


def repair_log(folder: Path, epochs: Sequence[dict[str, Any]]) -> None:
    """Replace a log by its intact lines and the epochs that it lacks.

    The damaged log stays beside it, as `DAMAGED_LOG_FILE`.

    Args:
        epochs: all finished epochs, as `RunLog.epochs` holds them.

    Raises:
        OSError: the folder cannot be written.
    """
    path, content = folder / LOG_FILE, b""
    if path.is_dir():
        path.rename(folder / DAMAGED_LOG_FILE)
    elif path.exists():
        content = path.read_bytes()
        atomic.replace_file(folder / DAMAGED_LOG_FILE, content)
    kept = [line for line in content.split(b"\n") if line.strip() and _entry(line) is not None]
    logged = {epoch["epoch"] for epoch in parse_log(b"\n".join(kept)).epochs}
    restored = [
        _checked_line({"event": "epoch", **epoch})
        for epoch in epochs
        if epoch["epoch"] not in logged
    ]
    atomic.replace_file(path, b"".join([*(line + b"\n" for line in kept), *restored]))


def _add(log: RunLog, entry: dict[str, Any]) -> None:
    event = entry.pop("event", None)
    if event == "step":
        log.steps.append(entry)
    elif event == "epoch":
        log.epochs.append(entry)
    elif event == "start":
        kept = (entry["epoch"] + 1, entry.get("step", 0))
        log.steps = [step for step in log.steps if (step["epoch"], step["step"]) <= kept]
        log.epochs = [epoch for epoch in log.epochs if epoch["epoch"] <= entry["epoch"]]
        log.starts.append(entry)


def _checked_line(entry: dict[str, Any]) -> bytes:
    body = json.dumps(entry).encode()[:-1]
    return body + _CHECK + _digits(body) + b'"}\n'


def _digits(body: bytes) -> bytes:
    return hashlib.sha256(body).hexdigest()[:_CHECK_DIGITS].encode()


def _entry(line: bytes) -> dict[str, Any] | None:
    """A line's values without its check; None if it is incomplete or damaged."""
    body, marker, rest = line.rpartition(_CHECK)
    if marker and rest != _digits(body) + b'"}':
        return None
    try:
        entry = json.loads(body + b"}" if marker else line)
    except ValueError:  # also bytes that are not UTF-8
        return None
    return entry if isinstance(entry, dict) and _has_position(entry) else None


def _has_position(entry: dict[str, Any]) -> bool:
    needed = {"step": ("epoch", "step"), "epoch": ("epoch",), "start": ("epoch",)}
    event = entry.get("event")
    names = needed.get(event, ()) if isinstance(event, str) else ()
    return isinstance(event, str) and all(type(entry.get(name)) is int for name in names)


def _is_interrupted(line: bytes, later: Iterable[dict[str, Any] | None]) -> bool:
    """Whether a killed writer left the line incomplete: the last one, or the one before a start."""
    following = next((entry for entry in later if entry != {}), {"event": "start"})
    is_start = following is not None and following.get("event") == "start"
    return is_start and not line.endswith(b'"}')
