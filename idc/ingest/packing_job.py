"""Packing in the background: a refresh or another page does not end it.

Each packing is a process of its own (`idc.ingest.packing_worker`); a thread reads its messages.
"""

import json
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from idc.datasets.store import PackReport, check_store_name
from idc.errors import DataError
from idc.processes.detached import module_command, start_detached
from idc.processes.job_registry import JobRegistry
from idc.processes.thread_job import ThreadJob


@dataclass(kw_only=True)
class PackJob(ThreadJob):
    """One packing and its progress: "packing", "done", "failed" or "stopped".

    Attributes:
        name: of the data set.
        unit: what is counted: "patches" or "cases".
        report: what was packed; None before the end.
    """

    name: str
    unit: str
    title: str = "Packing"
    state: str = "packing"
    report: PackReport | None = None
    _process: subprocess.Popen[str] | None = None

    def stop(self) -> None:
        """End the process soon; it removes the unfinished store."""
        super().stop()
        if self._process is not None:
            self._process.terminate()

    def pack(self, command: list[str], on_done: Callable[[], None] | None) -> None:
        """Run the packing process to its end.

        Raises:
            StopRequested: the packing was stopped.
            DataError: the packing failed.
        """
        code = self._run_process(command)
        if self.report is not None:
            if on_done is not None:
                on_done()
            return
        self.check_stop()
        raise DataError(
            self.problem
            or f"Packing broke off: its process ended with code {code}. Start it again; the "
            "server's log may say more."
        )

    def _run_process(self, command: list[str]) -> int:
        """Run the process and apply its messages. Returns its exit code."""
        with start_detached(command, output=subprocess.PIPE, errors=None) as process:
            self._process = process
            if self._stop.is_set():  # `stop` was called before the process existed
                process.terminate()
            for line in process.stdout or ():
                if line.endswith("\n"):  # a killed process may leave an incomplete last line
                    self._apply_message(json.loads(line))
        return process.returncode

    def _apply_message(self, message: dict[str, Any]) -> None:
        if "report" in message:
            self.report = PackReport.from_json(message["report"])
        elif "problem" in message:
            self.problem = message["problem"]
        else:
            self.done, self.total = message["done"], message["total"]


_jobs: JobRegistry[str, PackJob] = JobRegistry()  # by the data set's name


def start_packing(paths: list[Path], name: str) -> PackJob:
    """Start to pack zips and folders, or join the live packing of that name.

    Raises:
        DataError: the name is not a valid folder name.
    """
    arguments = [str(path.absolute()) for path in paths]  # the process has another working folder
    name = check_store_name(name)
    return start_job(name, "patches", packer_command([name, "--", *arguments]))


def packer_command(arguments: list[str]) -> list[str]:
    """The command line that packs."""
    return module_command("idc.ingest.packing_worker", *arguments)


def start_job(
    name: str, unit: str, command: list[str], on_done: Callable[[], None] | None = None
) -> PackJob:
    """Start a packing process, or join the live one of that name.

    Args:
        unit: what the process counts: "patches" or "cases".
        command: reports as `idc.ingest.packing_worker` does.
        on_done: called after a successful packing.
    """

    def start() -> PackJob:
        job = PackJob(name=name, unit=unit)
        job.start(partial(job.pack, command, on_done), f"pack-{name}")
        return job

    return _jobs.start_or_join(name, start)


def pack_jobs() -> list[PackJob]:
    """All packings since the server started, the newest last."""
    return _jobs.list_jobs()


def forget_job(name: str) -> None:
    """Remove an ended packing from the list."""
    _jobs.forget_ended(name)
