"""``status.json``: where a run stands, as its trainer tells it, and whether that trainer lives.

Nothing heavy is imported here: a trainer that waits for its device must stay small.
"""

import json
import time
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from idc.errors import RunError
from idc.files import atomic
from idc.runs.lock import is_locked

STATUS_FILE = "status.json"
TRAINER_OUTPUT_FILE = "trainer.txt"  # what else its process says: warnings, tracebacks

# A trainer takes its lock within a second of its start; this long after, no lock means no trainer.
_START_GRACE_S = 8.0


@dataclass(frozen=True)
class RunStatus:
    """The content of ``status.json``.

    Attributes:
        state: "starting", "queued" (it waits for the device), "running", "paused", "finished",
            "stopped", "failed" or "interrupted" (told from the lock: it says running, but no
            trainer lives).
        phase: what a running trainer does: "loading", "training", "validating", "scoring".
        epoch: finished epochs. ``epochs``: how many it is to reach.
        step: finished steps of the current epoch, of ``steps``.
        patches_per_s: training speed now. ``left_s``: estimated seconds to the end.
        reason: why it ended, one sentence.
        note: what else somebody should know: a checkpoint that was damaged, say.
        patience_from: early stopping counts no epoch before this one.
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
        """Whether a trainer works on it, waits for its turn, or is just being started."""
        return self.state in ("starting", "queued", "running")

    @property
    def may_change(self) -> bool:
        """Whether it may change at any moment: it is live, or somebody may end its pause."""
        return self.live or self.state == "paused"


def read_status(run_folder: Path) -> RunStatus:
    """What the file says, whether or not its writer still lives.

    Raises:
        RunError: ``status.json`` is unreadable.
    """
    try:
        return RunStatus(**json.loads((run_folder / STATUS_FILE).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError) as error:
        raise RunError(f"The status of the run '{run_folder.name}' is damaged on disk.") from error


def write_status(run_folder: Path, status: RunStatus) -> None:
    """Replace ``status.json`` atomically."""
    atomic.replace_json(run_folder / STATUS_FILE, asdict(status))


def current_status(run_folder: Path) -> RunStatus:
    """Where the run stands now: what the file says, or "interrupted" when its writer has died.

    Raises:
        RunError: ``status.json`` is unreadable.
    """
    status = read_status(run_folder)
    if not status.live or is_locked(run_folder):
        return status
    if status.state == "starting" and time.time() - status.updated < _START_GRACE_S:
        return status
    again = read_status(run_folder)  # it may have ended between the two looks
    if not again.live:
        return again
    return replace(
        again,
        state="interrupted",
        phase="",
        left_s=None,
        reason="The training process ended without a word (killed, the machine went down, or its "
        "disk is full). What it had kept is still there; continue it.",
    )
