"""Exports for a page: made by the shell's command in a process with Keras, kept in memory."""

import subprocess
import tempfile
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from idc.datasets.store import open_store
from idc.errors import DataError, RunError
from idc.processes.detached import module_command, start_detached
from idc.processes.environment import child_environment
from idc.processes.job_registry import JobRegistry
from idc.processes.thread_job import ThreadJob
from idc.runs.run import Run

_MAX_PATCHES_BYTES = 200_000_000  # of a data set that passes through the server's memory


@dataclass(frozen=True)
class ExportKind:
    """One thing that a page offers.

    Attributes:
        label: for the visitor.
        suffix: of the file.
        options: of ``python -m idc export``; the file's path follows.
    """

    label: str
    suffix: str
    options: tuple[str, ...]


EXPORT_KINDS: Mapping[str, ExportKind] = {
    "notebook": ExportKind("Notebook", ".ipynb", ("--notebook",)),
    "script": ExportKind("Script", ".py", ("--script",)),
    "keras": ExportKind("Model for Keras", ".keras", ("--format", "keras", "--out")),
    "onnx": ExportKind("Model as ONNX", ".onnx", ("--format", "onnx", "--out")),
    "litert": ExportKind("Model for LiteRT", ".tflite", ("--format", "litert", "--out")),
    "patches": ExportKind("Patches (NumPy)", ".npz", ("--patches",)),
}


@dataclass(kw_only=True)
class ExportJob(ThreadJob):
    """One export and its state: "creating", "done" or "failed".

    Attributes:
        files: name -> content, when it is done.
    """

    title: str = "The export"
    state: str = "creating"
    files: dict[str, bytes] = field(default_factory=dict)


_jobs: JobRegistry[tuple[str, str], ExportJob] = JobRegistry(max_jobs=8)
_one_at_a_time = threading.Lock()  # each loads Keras, some 0.8 GB


def start_export(run: Run, kind: str) -> ExportJob:
    """Start an export in the background, or join the live one of this run and kind.

    Args:
        kind: a key of `EXPORT_KINDS`.
    """

    def start() -> ExportJob:
        job = ExportJob()
        job.start(lambda: job.files.update(export_files(run, kind)), f"export-{run.id}-{kind}")
        return job

    return _jobs.start_or_join((run.id, kind), start)


def export_job(run: Run, kind: str) -> ExportJob | None:
    """The latest export of a run and kind since the server started."""
    return _jobs.get((run.id, kind))


def export_files(run: Run, kind: str) -> dict[str, bytes]:
    """Make an export in a process of its own: name -> content.

    Raises:
        RunError: the process failed; the sentence is its own.
        DataError: the data set is gone, or too large for a page.
    """
    made = EXPORT_KINDS[kind]
    if kind == "patches":
        _check_size(run)
    name = run.config.data if kind == "patches" else run.id
    with _one_at_a_time, tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"{name}{made.suffix}"
        with start_detached(
            module_command("idc", "export", run.id, *made.options, str(path)),
            environment={**child_environment(), "TF_CPP_MIN_LOG_LEVEL": "3"},
            errors=subprocess.PIPE,
        ) as process:
            _, errors = process.communicate()
        if process.returncode:
            problems = [line for line in errors.splitlines() if line.startswith("idc: ")]
            if problems:
                raise RunError(problems[-1].removeprefix("idc: "))
            raise RunError(
                f"The export ended with code {process.returncode}, perhaps for lack of memory; "
                "free some and try again."
            )
        return {each.name: each.read_bytes() for each in sorted(Path(folder).iterdir())}


def _check_size(run: Run) -> None:
    store = open_store(run.config.data)
    if store.patches.nbytes > _MAX_PATCHES_BYTES:
        raise DataError(
            f"The data set '{store.name}' is too large for a download from this page; write it "
            f"with: python -m idc export {run.id} --patches {store.name}.npz"
        )
