"""Packing in the background: a refresh or another page does not end it.

Each packing is a process of its own (`idc.ingest.packing_worker`); a thread reads its messages.
"""

import json
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from idc.datasets.store import PackReport, check_store_name
from idc.errors import DataError
from idc.ingest.layouts.plan import PackOptions
from idc.ingest.plan_packing import PackPreview
from idc.processes.detached import module_command, start_detached
from idc.processes.job_registry import JobRegistry
from idc.processes.thread_job import ThreadJob

_MAX_PREVIEWS = 16  # each keeps some pictures


@dataclass(kw_only=True)
class _WorkerJob(ThreadJob):
    """A job whose work is done by a packing process, which reports in messages."""

    _process: subprocess.Popen[str] | None = None

    def stop(self) -> None:
        """End the process soon; it removes the unfinished store."""
        super().stop()
        if self._process is not None:
            self._process.terminate()

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
        raise NotImplementedError

    def _broken_off(self, code: int) -> DataError:
        """The error of a process that ended without a result."""
        return DataError(
            self.problem
            or f"{self.title} broke off: its process ended with code {code}. Start it again; the "
            "server's log may say more."
        )


@dataclass(kw_only=True)
class PackJob(_WorkerJob):
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
        raise self._broken_off(code)

    def _apply_message(self, message: dict[str, Any]) -> None:
        if "report" in message:
            self.report = PackReport.from_json(message["report"])
        elif "problem" in message:
            self.problem = message["problem"]
        else:
            self.done, self.total = message["done"], message["total"]


@dataclass(kw_only=True)
class PreviewJob(_WorkerJob):
    """One look at files before they are packed: "checking", "done", "failed" or "stopped".

    Attributes:
        preview: what was recognised; None before the end.
        sheet: class -> some of its pictures side by side, a PNG in base64.
    """

    title: str = "Checking"
    state: str = "checking"
    preview: PackPreview | None = None
    sheet: dict[str, str] = field(default_factory=dict)

    def check(self, command: list[str]) -> None:
        """Run the process to its end.

        Raises:
            StopRequested: it was stopped.
            DataError: the files cannot be packed; the sentence says why.
        """
        code = self._run_process(command)
        if self.preview is None:
            self.check_stop()
            raise self._broken_off(code)

    def _apply_message(self, message: dict[str, Any]) -> None:
        if "preview" in message:
            self.sheet = message["sheet"]
            self.preview = PackPreview.from_json(message["preview"])
        else:
            self.problem = message["problem"]


_jobs: JobRegistry[str, PackJob] = JobRegistry()  # by the data set's name
_previews: JobRegistry[str, PreviewJob] = JobRegistry(max_jobs=_MAX_PREVIEWS)  # by the arguments


def start_packing(paths: Sequence[Path], name: str, options: PackOptions | None = None) -> PackJob:
    """Start to pack files, or join the live packing of that name.

    Raises:
        DataError: the name is not a valid folder name.
    """
    name = check_store_name(name)
    return start_job(name, "patches", packer_command(_arguments(paths, name, options)))


def start_preview(paths: Sequence[Path], options: PackOptions | None = None) -> PreviewJob:
    """Start to look at files, or join the live look at the same files with the same options."""
    arguments = ["--preview", *_arguments(paths, "preview", options)]

    def start() -> PreviewJob:
        job = PreviewJob()
        job.start(partial(job.check, packer_command(arguments)), "pack-preview")
        return job

    return _previews.start_or_join(json.dumps(arguments), start)


def _arguments(paths: Sequence[Path], name: str, options: PackOptions | None) -> list[str]:
    stated = [] if options is None else [f"--options={json.dumps(options.to_json())}"]
    absolute = [str(path.absolute()) for path in paths]  # the process has another working folder
    return [name, *stated, "--", *absolute]


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
