"""``control.json``: what somebody asks of a run's trainer.

The page writes it, the trainer reads it after every step. A request has an id of its own, so that
it is obeyed once, though nobody takes the file away. Nothing heavy is imported here.
"""

import json
import secrets
from pathlib import Path

from idc.files import atomic

CONTROL_FILE = "control.json"

PAUSE = "pause"  # keep everything, free the device when somebody waits for it
RESUME = "resume"
ONE_EPOCH = "epoch"  # go on to the end of the epoch, then pause
STOP = "stop"  # score what is finished, and end
WITHDRAW = "withdraw"  # leave the queue; one that trains by then stops
REQUESTS = (PAUSE, RESUME, ONE_EPOCH, STOP, WITHDRAW)


def send_request(run_folder: Path, request: str) -> None:
    """Put a request before the trainer; it takes the place of an earlier one."""
    if request not in REQUESTS:
        raise ValueError(f"request must be one of {', '.join(REQUESTS)}. Received: {request!r}")
    atomic.replace_json(run_folder / CONTROL_FILE, {"request": request, "id": secrets.token_hex(4)})


def read_request(run_folder: Path) -> tuple[str, str]:
    """(request, its id); both empty when nothing readable is asked for."""
    try:
        value = json.loads((run_folder / CONTROL_FILE).read_text(encoding="utf-8"))
        return str(value["request"]), str(value.get("id", ""))
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return "", ""


def clear_request(run_folder: Path) -> None:
    """Before a trainer starts: an old request must not reach it."""
    (run_folder / CONTROL_FILE).unlink(missing_ok=True)


class Requests:
    """What a run's trainer is asked, each request once."""

    def __init__(self, run_folder: Path) -> None:
        self._folder = run_folder
        self._last = ("", "")

    def poll(self) -> str:
        """The request that came since the last call; empty when none did."""
        now = read_request(self._folder)
        if now == self._last:
            return ""
        self._last = now
        return now[0]
