"""``status.json``: the state of a run as its trainer writes it, and whether the trainer is alive.

No heavy imports: a trainer that waits for its device must stay small.
"""

import hashlib
import json
import time
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from idc.errors import RunError
from idc.files import atomic
from idc.runs.lock import is_locked

STATUS_FILE = "status.json"
TRAINER_OUTPUT_FILE = "trainer.txt"  # other output of its process: warnings, tracebacks

STATES = (
    "starting",
    "queued",
    "running",
    "paused",
    "finished",
    "stopped",
    "failed",
    "interrupted",
)
_CHECKSUM = "sha256"  # of all other values; absent in older versions

# A trainer takes its lock within a second of its start; after this time, no lock means it is dead.
_START_GRACE_S = 8.0


@dataclass(frozen=True)
class RunStatus:
    """The content of ``status.json``.

    Attributes:
        state: "starting", "queued" (waiting for the device), "running", "paused", "finished",
            "stopped", "failed" or "interrupted" (never written: the file states a live state, but
            no trainer holds the lock).
        phase: of a running trainer: "loading", "training", "validating", "scoring".
        epoch: finished epochs. ``epochs``: total number of epochs.
        step: finished steps of the current epoch, of ``steps``.
        patches_per_s: current training speed. ``left_s``: estimated seconds to the end.
        reason: why it ended, one sentence.
        note: a further message, for example about a damaged checkpoint.
        patience_from: early stopping ignores epochs before this one.
        updated: seconds since 1970.
    """

    state: str
    epochs: int
    phase: str = ""
    epoch: int = 0
    step: int = 0
    steps: int = 0
    patches_per_s: float | None = None
    left_s: float | None = None
    reason: str = ""
    note: str = ""
    patience_from: int = 0
    updated: float = field(default_factory=time.time)

    @property
    def live(self) -> bool:
        """Whether a trainer is training, waiting for the device or starting."""
        return self.state in ("starting", "queued", "running")

    @property
    def may_change(self) -> bool:
        """Whether it may change: it is live or paused."""
        return self.live or self.state == "paused"


def read_status(run_folder: Path) -> RunStatus:
    """Read the file, whether or not its writer is still alive.

    Raises:
        RunError: ``status.json`` is unreadable.
    """
    try:
        values = json.loads((run_folder / STATUS_FILE).read_bytes())
        if values.pop(_CHECKSUM, None) not in (None, _digest(values)):
            raise ValueError("its checksum differs")
        status = RunStatus(**values)
        if status.state not in STATES or not isinstance(status.epoch, int):
            raise ValueError("it has no state")
        return status
    except (OSError, ValueError, TypeError, AttributeError) as error:
        raise RunError(
            f"The status of the run '{run_folder.name}' is damaged on disk; evaluate the run or "
            "delete it."
        ) from error


def write_status(run_folder: Path, status: RunStatus) -> None:
    """Replace ``status.json`` atomically."""
    values = asdict(status)
    atomic.replace_json(run_folder / STATUS_FILE, {**values, _CHECKSUM: _digest(values)})


def _digest(values: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()


def current_status(run_folder: Path) -> RunStatus:
    """The current status; "interrupted" if the file states a live state but its trainer is dead.

    Raises:
        RunError: ``status.json`` is unreadable.
    """
    status = read_status(run_folder)
    if not status.live or is_locked(run_folder):
        return status
    if status.state == "starting" and time.time() - status.updated < _START_GRACE_S:
        return status
    again = read_status(run_folder)  # it may have ended before the lock was checked
    if not again.live:
        return again
    return replace(
        again,
        state="interrupted",
        phase="",
        left_s=None,
        reason="The training process ended unexpectedly (killed, system shutdown or full disk). "
        "Its checkpoints are kept; continue the run.",
    )
