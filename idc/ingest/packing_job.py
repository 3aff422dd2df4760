"""Packing in the background, so that a refresh or another page does not end it.

Each packing is a process of its own (`idc.ingest.packing_worker`); a thread here only reads what it
says.
"""

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from idc.datasets.store import PackReport, check_store_name
from idc.files.home import PROJECT_DIR, home_dir
from idc.processes.environment import without_secrets


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
    _on_done: Callable[[], None] | None = None
    _cancel: threading.Event = field(default_factory=threading.Event)
    _process: subprocess.Popen[str] | None = None

    def cancel(self) -> None:
        """Stop soon; nothing half-made is left."""
        self._cancel.set()
        if self._process is not None:
            self._process.terminate()

    def left_s(self) -> float | None:
        """Estimated seconds to the end; None before the first batch."""
        if not self.done:
            return None
        return (time.monotonic() - self.began) / self.done * (self.total - self.done)

    def _watch(self, command: list[str]) -> None:
        try:
            code = self._follow(command)
        except Exception as error:
            # A thread's error reaches nobody else, and the page must not wait for ever.
            self.state, self.problem = "failed", f"Packing broke off: {type(error).__name__}."
            raise
        if self.report is not None:
            self.state = "done"
            if self._on_done is not None:
                self._on_done()
        elif self._cancel.is_set():
            self.state = "cancelled"
        else:
            self.problem = self.problem or (
                f"Packing broke off: its process ended with code {code}. Start it again; the "
                "server's log may say more."
            )
            self.state = "failed"

    def _follow(self, command: list[str]) -> int:
        """Run the process to its end and note what it says. Returns its exit code."""
        with subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,  # Ctrl-C is for the server; this one ends when it has gone
            cwd=PROJECT_DIR,
            env={**without_secrets(os.environ), "IDC_HOME": str(home_dir())},
        ) as process:
            self._process = process
            if self._cancel.is_set():  # in the moment before there was a process
                process.terminate()
            for line in process.stdout or ():
                if line.endswith("\n"):  # the last one of a killed process may be half a line
                    self._apply_message(json.loads(line))
        return process.returncode

    def _apply_message(self, message: dict[str, Any]) -> None:
        if "report" in message:
            self.report = PackReport.from_json(message["report"])
        elif "problem" in message:
            self.problem = message["problem"]
        else:
            self.done, self.total = message["done"], message["total"]


_jobs: dict[str, PackJob] = {}
_lock = threading.Lock()


def start_packing(paths: list[Path], name: str) -> PackJob:
    """Start to pack zips and folders, or join the packing of that name that is under way.

    Raises:
        DataError: the name cannot be a folder's name.
    """
    # Paths are the server's own: relative ones would be another folder's in the process.
    arguments = [str(path.absolute()) for path in paths]
    name = check_store_name(name)
    return start_job(name, "patches", packer_command([name, "--", *arguments]))


def packer_command(arguments: list[str]) -> list[str]:
    """The command line that packs."""
    return [sys.executable, "-m", "idc.ingest.packing_worker", *arguments]


def start_job(
    name: str, unit: str, command: list[str], on_done: Callable[[], None] | None = None
) -> PackJob:
    """Start a packing process, or join the one of that name that is under way.

    Args:
        unit: what the process counts: "patches" or "cases".
        command: reports as `idc.ingest.packing_worker` does.
        then: called when it has succeeded.
    """
    with _lock:
        job = _jobs.get(name)
        if job is None or job.state != "packing":
            _jobs.pop(name, None)  # else it would keep its old place in the list
            job = _jobs[name] = PackJob(name, unit, _on_done=on_done)
            threading.Thread(target=job._watch, args=(command,), daemon=True).start()
        return job


def pack_jobs() -> list[PackJob]:
    """All packings since the server started, the newest last."""
    return list(_jobs.values())


def forget_job(name: str) -> None:
    """Take an ended packing off the list."""
    with _lock:
        if name in _jobs and _jobs[name].state != "packing":
            del _jobs[name]
