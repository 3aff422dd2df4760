"""A queue for each device: one trainer trains, the others wait in the order of their start.

A waiting run is a small process: its trainer before any heavy import. It holds its run's lock,
which shows that it is alive, and a ticket: an empty file in ``devices/<device>/`` whose name begins
with the time of its start. When the device's lock is free and no live ticket is older, it takes the
lock and trains. The queue has no coordinator: it works without the app, and a killed process,
waiting or training, merely frees its place.

Trainings from the shell take the same lock. No heavy imports.
"""

import contextlib
import os
import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from filelock import FileLock, Timeout

from idc.files.home import home_dir, runs_dir
from idc.runs.lock import is_locked

_POLL_INTERVAL_S = 0.25
_TICKET = re.compile(r"\d{20}-.+")


def device_name() -> str:
    """The device of a trainer started here: ``CUDA_VISIBLE_DEVICES``, or "default"."""
    chosen = os.environ.get("CUDA_VISIBLE_DEVICES", "").strip()
    return re.sub(r"[^A-Za-z0-9_-]", "_", chosen) or "default"


@contextlib.contextmanager
def hold_device(run_id: str, requested_at: float, on_waiting: Callable[[], None]) -> Iterator[None]:
    """Context manager: wait for the device, then hold it.

    Args:
        run_id: the caller must hold its lock, otherwise its ticket counts as dead.
        requested_at: time of the start in seconds since 1970; determines the queue position.
        on_waiting: called at each poll while the device is taken; may raise to stop waiting.
    """
    folder = home_dir() / "devices" / device_name()
    folder.mkdir(parents=True, exist_ok=True)
    ticket = folder / f"{int(requested_at * 1e6):020d}-{run_id}"
    lock = FileLock(folder / "lock")
    for dead in (home_dir() / "devices").glob(f"*/*-{run_id}"):
        dead.unlink(missing_ok=True)  # left by a killed trainer; it would count as live
    ticket.touch()
    try:
        while _is_behind_live_ticket(ticket) or not _try_acquire(lock):
            on_waiting()
            time.sleep(_POLL_INTERVAL_S)
    finally:
        ticket.unlink(missing_ok=True)
    try:
        yield
    finally:
        lock.release()


def has_waiting_run() -> bool:
    """Whether a run waits for this process's device."""
    folder = home_dir() / "devices" / device_name()
    return any(_is_live_ticket(ticket) for ticket in _tickets(folder))


def queue_position(run_id: str) -> int | None:
    """A waiting run's queue position, from 1; None if it does not wait."""
    for own in (home_dir() / "devices").glob(f"*/*-{run_id}"):
        return 1 + sum(
            _is_live_ticket(other) for other in _tickets(own.parent) if other.name < own.name
        )
    return None


def _tickets(folder: Path) -> list[Path]:
    """All tickets, oldest first."""
    try:
        return sorted(path for path in folder.iterdir() if _TICKET.fullmatch(path.name))
    except FileNotFoundError:
        return []


def _is_behind_live_ticket(ticket: Path) -> bool:
    for other in _tickets(ticket.parent):
        if other.name >= ticket.name:
            return False
        if _is_live_ticket(other):
            return True
        other.unlink(missing_ok=True)  # left by a killed trainer
    return False


def _is_live_ticket(ticket: Path) -> bool:
    run_folder = runs_dir() / ticket.name.split("-", 1)[1]
    return run_folder.is_dir() and is_locked(run_folder)


def _try_acquire(lock: FileLock) -> bool:
    try:
        lock.acquire(timeout=0)
    except Timeout:
        return False
    return True
