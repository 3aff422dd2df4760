"""The download of the real data set: the folder ``download/``, its job and its status.

The app and the worker process (`idc.ingest.download_worker`) communicate only through this folder,
so page changes, refreshes, other visitors and a restart of the server do not affect the worker:

- ``job.json``: the requested job. ``status.json``: its progress, replaced atomically.
- ``stop``: exists after a stop request.
- ``lock``: held by the worker while it lives. The system releases it when the worker ends in any
  way. There is one lock, so there is at most one transfer.
- the zip, named ``.part`` until it is checked.
"""

import contextlib
import json
import os
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field, replace
from functools import cache
from typing import Any

from filelock import lock_descriptor

from idc.datasets.full_set import expected_counts
from idc.datasets.store import check_store_name, list_stores
from idc.errors import DataError, DownloadError
from idc.files import atomic
from idc.files.home import download_dir
from idc.ingest.retry_policy import RetryPolicy
from idc.processes.console import ProgressLine
from idc.processes.detached import module_command, start_detached
from idc.processes.environment import child_environment
from idc.wording import duration, format_bytes

_PHASE_TEXTS = {
    "asking": "Asking Kaggle where the file is",
    "fetching": "Fetching",
    "waiting": "Waiting",
    "checking": "Checking every byte",
    "packing": "Packing",
}

JOB_FILE = "job.json"
STATUS_FILE = "status.json"
STOP_FILE = "stop"
LOCK_FILE = "lock"
OUTPUT_FILE = "output.txt"
ZIP_FILE = "breast-histopathology-images.zip"
PART_FILE = ZIP_FILE + ".part"

# `is_locked` holds the lock briefly; a lock held longer belongs to a worker.
_LOCK_WAIT_S = 0.2
# A worker exits within this time after it has written its final status.
_EXIT_GRACE_S = 15.0


@cache
def full_set_size() -> int:
    """The number of patches in the real data set: 277,524."""
    return sum(sum(counts) for counts in expected_counts().values())


@dataclass(frozen=True)
class DownloadJob:
    """A requested download.

    Attributes:
        name: the data set's name when it is packed.
        keep_zip: keep the zip afterwards.
        expected: number of different patches that the zip must hold.
    """

    name: str = "idc"
    keep_zip: bool = False
    expected: int = field(default_factory=full_set_size)
    limits: RetryPolicy = field(default_factory=RetryPolicy)


@dataclass(frozen=True)
class DownloadStatus:
    """The content of ``status.json``.

    Attributes:
        state: "running", "done", "stopped", "failed" or "interrupted" (the file states running,
            but no worker holds the lock).
        phase: of a running worker: "asking", "fetching", "waiting", "checking", "packing".
        here, total: bytes of the zip received and in all (None until Kaggle has sent the size).
        done, of: progress of checking (bytes) or packing (patches).
        bytes_per_s: current speed. ``left_s``: estimated seconds to the end of the phase.
        reason: why it waits or has ended, one sentence.
        needs_login: Kaggle refused the credentials, or anonymous requests.
        updated: seconds since 1970.
    """

    name: str
    state: str = "running"
    phase: str = "asking"
    here: int = 0
    total: int | None = None
    done: int = 0
    of: int = 0
    bytes_per_s: float | None = None
    left_s: float | None = None
    reason: str = ""
    needs_login: bool = False
    updated: float = field(default_factory=time.time)

    @property
    def live(self) -> bool:
        """Whether a worker is running."""
        return self.state == "running"


def start_download(job: DownloadJob) -> DownloadStatus:
    """Start a worker process, or return the status of the running one.

    It resumes an earlier transfer.

    Raises:
        DataError: the name is invalid or taken.
        DownloadError: the folder cannot be written.
    """
    with hold_lock() as lock:
        if lock is None:
            return download_status() or DownloadStatus(job.name)
        started = record_job(job)
        # The worker inherits the held lock, so it is never free in between.
        _spawn(lock)
        return started


def resume_download(name: str | None = None) -> DownloadStatus:
    """Resume the latest job.

    Args:
        name: a new name for the data set, if its own has been taken since.

    Raises:
        DataError, DownloadError: as `start_download`; or there is no job.
    """
    try:
        job = read_job()
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise DownloadError("There is no download to resume; start one.") from error
    return start_download(replace(job, name=name or job.name))


def download_status() -> DownloadStatus | None:
    """The status of the latest download; None without one.

    Raises:
        DownloadError: ``status.json`` is unreadable.
    """
    status = _read_status()
    if status is None or not status.live or is_locked():
        return status
    again = _read_status()  # it may have ended since the first read
    if again is None or not again.live:
        return again
    return replace(
        again,
        state="interrupted",
        left_s=None,
        bytes_per_s=None,
        reason="The download process ended unexpectedly (killed, or the machine went down). The "
        "bytes received are kept; resume.",
    )


def request_stop() -> None:
    """Request a stop of the worker. The bytes received are kept."""
    (download_dir() / STOP_FILE).touch()


def stop_requested() -> bool:
    """Whether a stop was requested since the worker started."""
    return (download_dir() / STOP_FILE).exists()


def forget_download() -> None:
    """Remove the status of an ended download. The bytes on disk are kept."""
    status = _read_status()
    if status is not None and not status.live:
        (download_dir() / STATUS_FILE).unlink(missing_ok=True)


def discard_download() -> None:
    """Delete the bytes received and the status."""
    with hold_lock() as lock:
        if lock is not None:
            for name in (PART_FILE, PART_FILE + ".json", ZIP_FILE, STATUS_FILE):
                (download_dir() / name).unlink(missing_ok=True)


def record_job(job: DownloadJob) -> DownloadStatus:
    """Write ``job.json`` and the first status. Called with the lock held.

    Raises:
        DataError: the name is invalid or taken.
        DownloadError: the folder cannot be written.
    """
    if check_store_name(job.name) in list_stores():
        raise DataError(f"There is a data set named '{job.name}' already; choose another name.")
    part = download_dir() / PART_FILE
    status = DownloadStatus(job.name, here=part.stat().st_size if part.exists() else 0)
    try:
        (download_dir() / STOP_FILE).unlink(missing_ok=True)
        atomic.replace_json(download_dir() / JOB_FILE, asdict(job))
        write_status(status)
    except OSError as error:
        raise _write_error(error) from error
    return status


def read_job() -> DownloadJob:
    """The job recorded in ``job.json``."""
    value = _read_json(JOB_FILE)
    return DownloadJob(**{**value, "limits": RetryPolicy(**value["limits"])})


def write_status(status: DownloadStatus) -> None:
    """Replace ``status.json`` atomically."""
    atomic.replace_json(download_dir() / STATUS_FILE, asdict(status))


@contextlib.contextmanager
def hold_lock() -> Iterator[int | None]:
    """Hold the lock during a ``with``; yields its descriptor, or None if it is taken.

    A child process that inherits the descriptor holds the lock as well.

    Raises:
        DownloadError: the folder cannot be written.
    """
    try:
        download_dir().mkdir(parents=True, exist_ok=True)
        lock = os.open(download_dir() / LOCK_FILE, os.O_RDWR | os.O_CREAT, 0o666)
    except OSError as error:
        raise _write_error(error) from error
    try:
        yield lock if _acquire_lock(lock) else None
    finally:
        os.close(lock)


def is_locked() -> bool:
    """Whether a worker is alive."""
    try:
        lock = os.open(download_dir() / LOCK_FILE, os.O_RDWR)
    except OSError:
        return False
    try:
        return not lock_descriptor(lock, blocking=False)
    finally:
        os.close(lock)


def _acquire_lock(lock: int) -> bool:
    began = time.monotonic()
    while not lock_descriptor(lock, blocking=False):
        waited_s = time.monotonic() - began
        if waited_s > (_LOCK_WAIT_S if _holder_is_working() else _EXIT_GRACE_S):
            return False
        time.sleep(0.01)
    return True


def _holder_is_working() -> bool:
    """Whether the holder of the lock has not written its final status yet."""
    status = _read_status()
    return status is None or status.live


def _spawn(lock: int) -> None:
    output = download_dir() / OUTPUT_FILE
    output.unlink(missing_ok=True)  # an earlier worker's
    start_detached(
        module_command("idc.ingest.download_worker", str(lock)),
        environment=child_environment(kaggle_credentials=True),
        output=output,
        pass_fds=[lock],
    )


def _read_status() -> DownloadStatus | None:
    try:
        value = _read_json(STATUS_FILE)
        return DownloadStatus(**value)
    except FileNotFoundError:
        return None
    except (OSError, ValueError, TypeError) as error:
        raise DownloadError(
            f"'{download_dir() / STATUS_FILE}' is damaged; delete it, then start again."
        ) from error


def _read_json(name: str) -> Any:
    return json.loads((download_dir() / name).read_text(encoding="utf-8"))


def _write_error(error: OSError) -> DownloadError:
    return DownloadError(
        f"'{download_dir()}' cannot be written ({error.strerror or error}); free some space or "
        "check the folder's permissions."
    )


def phase_text(status: DownloadStatus) -> str:
    """The phase in words: "Fetching 1.2 GB of 3.3 GB · 24.1 MB/s · 1 min 25 s left"."""
    words = [_PHASE_TEXTS[status.phase]]
    if status.phase == "fetching":
        of = f" of {format_bytes(status.total)}" if status.total else ""
        words[0] += f" {format_bytes(status.here)}{of}"
    elif status.phase == "packing" and status.of:
        words[0] += f" {status.done:,} of {status.of:,} patches"
    if status.bytes_per_s:
        words.append(f"{format_bytes(status.bytes_per_s)}/s")
    if status.left_s is not None:
        words.append(f"{duration(status.left_s)} left")
    return " · ".join(words)


def fraction_done(status: DownloadStatus) -> float:
    """The fraction of the phase that is done, [0, 1]."""
    if status.phase in ("checking", "packing"):
        return min(status.done / status.of, 1.0) if status.of else 0.0
    return min(status.here / status.total, 1.0) if status.total else 0.0


def show_download_progress(line: ProgressLine, status: DownloadStatus) -> None:
    """Draw the shell's progress line."""
    words = status.reason if status.phase == "waiting" else phase_text(status)
    line.show(fraction_done(status), words, estimate=False)
