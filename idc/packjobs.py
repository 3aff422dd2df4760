"""Packing in the background of the server, so that a refresh or another page does not end it."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from idc.demo import pack_demo
from idc.errors import IdcError
from idc.packing import pack
from idc.store import PackReport, Progress, check_store_name

Packing = Callable[[Progress], PackReport]


class _Cancelled(Exception):
    """The visitor asked for it."""


@dataclass
class PackJob:
    """One packing and where it stands. Read by pages, written by its thread.

    Attributes:
        unit: what is counted: "patches" or "cases".
        state: "packing", "done", "failed" or "cancelled".
        problem: why it failed, one sentence.
    """

    name: str
    unit: str
    state: str = "packing"
    done: int = 0
    total: int = 0
    problem: str = ""
    report: PackReport | None = None
    began: float = field(default_factory=time.monotonic)
    _cancel: threading.Event = field(default_factory=threading.Event)

    def cancel(self) -> None:
        """Stop at the next batch; nothing half-made is left."""
        self._cancel.set()

    def left_s(self) -> float | None:
        """Estimated seconds to the end; None before the first batch."""
        if not self.done:
            return None
        return (time.monotonic() - self.began) / self.done * (self.total - self.done)

    def _work(self, packing: Packing) -> None:
        try:
            self.report = packing(self._advance)
            self.state = "done"
        except _Cancelled:
            self.state = "cancelled"
        except IdcError as error:
            self.state, self.problem = "failed", str(error)
        except Exception as error:
            # A thread's error reaches nobody else, and the page must not wait for ever.
            self.state, self.problem = "failed", f"Packing broke off: {type(error).__name__}."
            raise

    def _advance(self, done: int, total: int) -> None:
        self.done, self.total = done, total
        if self._cancel.is_set():
            raise _Cancelled


_jobs: dict[str, PackJob] = {}
_lock = threading.Lock()


def start_packing(paths: list[Path], name: str) -> PackJob:
    """Start to pack zips and folders, or join the packing of that name that is under way.

    Raises:
        DataError: the name cannot be a folder's name.
    """
    return _start(check_store_name(name), "patches", partial(_pack_paths, paths, name))


def start_demo(name: str = "demo") -> PackJob:
    """Start to generate demo tissue, or join the generation that is under way."""
    return _start(check_store_name(name), "cases", partial(_pack_demo, name))


def _pack_paths(paths: list[Path], name: str, on_progress: Progress) -> PackReport:
    return pack(paths, name, on_progress=on_progress)


def _pack_demo(name: str, on_progress: Progress) -> PackReport:
    return pack_demo(name, on_progress=on_progress)


def _start(name: str, unit: str, packing: Packing) -> PackJob:
    with _lock:
        job = _jobs.get(name)
        if job is None or job.state != "packing":
            _jobs.pop(name, None)  # else it would keep its old place in the list
            job = _jobs[name] = PackJob(name, unit)
            threading.Thread(target=job._work, args=(packing,), daemon=True).start()
        return job


def pack_jobs() -> list[PackJob]:
    """All packings since the server started, the newest last."""
    return list(_jobs.values())


def forget_job(name: str) -> None:
    """Take an ended packing off the list."""
    with _lock:
        if name in _jobs and _jobs[name].state != "packing":
            del _jobs[name]
