"""``control.json``: requests to a run's trainer.

Pages write it, the trainer reads it after every step. Each request has an id, so that it is obeyed
once although the file stays. No heavy imports.
"""

import json
import secrets
from pathlib import Path

from idc.files import atomic

CONTROL_FILE = "control.json"

PAUSE = "pause"  # keep the state in memory; release the device if another run waits
RESUME = "resume"
ONE_EPOCH = "epoch"  # train to the end of the epoch, then pause
STOP = "stop"  # score the best weights, then end
WITHDRAW = "withdraw"  # leave the queue; stop if training has begun
REQUESTS = (PAUSE, RESUME, ONE_EPOCH, STOP, WITHDRAW)


def send_request(run_folder: Path, request: str) -> None:
    """Write a request; it replaces an earlier one."""
    if request not in REQUESTS:
        raise ValueError(f"request must be one of {', '.join(REQUESTS)}. Received: {request!r}")
    atomic.replace_json(run_folder / CONTROL_FILE, {"request": request, "id": secrets.token_hex(4)})


def read_request(run_folder: Path) -> tuple[str, str]:
    """(request, its id); both empty without a readable request."""
    try:
        value = json.loads((run_folder / CONTROL_FILE).read_text(encoding="utf-8"))
        return str(value["request"]), str(value.get("id", ""))
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return "", ""


def clear_request(run_folder: Path) -> None:
    """Delete the request, so that the next trainer does not obey it."""
    (run_folder / CONTROL_FILE).unlink(missing_ok=True)


class Requests:
    """Returns each request to a run's trainer once."""

    def __init__(self, run_folder: Path) -> None:
        self._folder = run_folder
        self._last = ("", "")

    def poll(self) -> str:
        """The request written since the last call; empty without one."""
        current = read_request(self._folder)
        if current == self._last:
            return ""
        self._last = current
        return current[0]
