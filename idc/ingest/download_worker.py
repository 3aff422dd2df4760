"""The download process: fetch, check, pack. ``python -m idc.ingest.download_worker LOCK``.

The app starts it detached and passes the descriptor of the held lock (`idc.ingest.download`); the
shell's ``download`` does the same work in its own process. It may be killed at any point: the next
one resumes.
"""

import os
import shutil
import sys
import time
import traceback
from collections import deque
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

from idc.errors import DownloadError, IdcError
from idc.files.home import download_dir
from idc.ingest.archive_check import DamagedArchive, check_archive
from idc.ingest.download import (
    PART_FILE,
    ZIP_FILE,
    DownloadJob,
    DownloadStatus,
    download_status,
    hold_lock,
    read_job,
    record_job,
    stop_requested,
    write_status,
)
from idc.ingest.kaggle import KaggleRefused, find_remote_file
from idc.ingest.packing import pack
from idc.ingest.resumable_transfer import PartialDownload, RemoteFile, fetch
from idc.ingest.stop_signal import StopSignal
from idc.patches import PATCH_BYTES
from idc.processes.thread_job import StopRequested
from idc.processes.time_left import time_left_s
from idc.progress import ProgressCallback

OnStatus = Callable[[DownloadStatus], None]

_WRITE_INTERVAL_S = 0.5
_SPEED_WINDOW_S = 10.0


def main(arguments: list[str] | None = None) -> int:
    """Do the job recorded in ``job.json``. Returns 0, or 2 after an error."""
    lock = int((arguments or sys.argv[1:])[0])
    os.set_inheritable(lock, False)
    # Packing may fork, and a fork that outlives this process must not hold its lock.
    os.register_at_fork(after_in_child=partial(os.close, lock))
    stop = StopSignal(stop_requested)
    with stop.listen():
        status = run_job(read_job(), stop=stop)
    return 2 if status.state == "failed" else 0


def run_in_foreground(job: DownloadJob, on_status: OnStatus) -> DownloadStatus:
    """Do the job in this process, or follow the worker that is already running.

    Raises:
        DataError: the name is invalid or taken.
        DownloadError: the folder cannot be written, or Ctrl-C ended the watching of another worker.
    """
    with hold_lock() as lock:
        if lock is not None:
            record_job(job)
            stop = StopSignal(stop_requested)
            with stop.listen():
                return run_job(job, stop=stop, on_status=on_status)
    try:
        while (status := download_status()) is not None and status.live:
            on_status(status)
            time.sleep(_WRITE_INTERVAL_S)
    except KeyboardInterrupt:
        raise DownloadError("Stopped watching; the download continues.") from None
    return status or DownloadStatus(job.name, state="stopped", reason="It was discarded.")


def run_job(
    job: DownloadJob, *, stop: StopSignal | None = None, on_status: OnStatus | None = None
) -> DownloadStatus:
    """Fetch, check, pack. Called with the lock held. Writes and returns the final status.

    Args:
        stop: by default the requests of `idc.ingest.download.request_stop`, which then take effect
            between two blocks only.
    """
    stop = stop or StopSignal(stop_requested)
    progress = _Progress(job.name, stop, on_status)
    try:
        _get_zip(job, progress)
        _pack(job, progress)
    except StopRequested:
        return progress.end("stopped", "Stopped. The bytes received are kept; resume at any time.")
    except IdcError as error:
        return progress.end("failed", str(error), needs_login=isinstance(error, KaggleRefused))
    except OSError as error:
        return progress.end(
            "failed",
            f"'{download_dir()}' cannot be read or written ({error.strerror or error}). The "
            "bytes received are kept; free some space or check the folder's permissions, then "
            "resume.",
        )
    except Exception as error:  # noqa: BLE001  the status must not stay "running"
        # The traceback without the message, which may hold a signed address.
        print(*traceback.format_tb(error.__traceback__), type(error).__name__, file=sys.stderr)
        return progress.end("failed", f"The download failed: {type(error).__name__}.")
    status = progress.end("done", f"Downloaded, checked and packed {job.expected:,} patches.")
    if not job.keep_zip:
        (download_dir() / ZIP_FILE).unlink(missing_ok=True)
    return status


def _get_zip(job: DownloadJob, progress: "_Progress") -> None:
    """Fetch and check the zip, unless a checked one exists."""
    target = download_dir() / ZIP_FILE
    if target.exists():
        return
    part = PartialDownload(download_dir() / PART_FILE)
    for last_try in (False, True):
        remote = _fetch(job, part, progress)
        try:
            check_archive(
                part.path, job.expected, md5=remote.md5, on_progress=progress.phase("checking")
            )
            break
        except DamagedArchive as error:
            part.delete()
            if last_try:
                raise DownloadError(
                    f"{error} This happened twice, so the file was not used; try another network, "
                    "or later."
                ) from error
            progress.note = "The file was damaged; downloading it again"
    part.rename(target)


def _fetch(job: DownloadJob, part: PartialDownload, progress: "_Progress") -> RemoteFile:
    return fetch(
        partial(find_remote_file, job.limits.stall_s),
        part,
        limits=job.limits,
        stop=progress.stop,
        on_progress=progress.on_transfer_progress,
        check_disk_space=partial(_check_disk_space, job),
    )


def _pack(job: DownloadJob, progress: "_Progress") -> None:
    pack([download_dir() / ZIP_FILE], job.name, on_progress=progress.phase("packing"))


def _check_disk_space(job: DownloadJob, received: int, total: int) -> None:
    """Check the free space before the first byte, not an hour later."""
    store = job.expected * PATCH_BYTES
    needed = total - received + store
    free = shutil.disk_usage(download_dir()).free
    if needed > free:
        raise DownloadError(
            f"The disk is too full: the rest of the zip needs {(total - received) / 1e6:,.0f} MB "
            f"and packing {store / 1e6:,.0f} MB, but {free / 1e6:,.0f} MB are free in "
            f"'{download_dir().parent}'. Free some space, or set IDC_HOME to a folder on a larger "
            "disk."
        )


class _Progress:
    """Writes ``status.json``: twice a second, and at each change of phase or reason."""

    def __init__(self, name: str, stop: StopSignal, on_status: OnStatus | None) -> None:
        self.stop = stop
        self.note = ""
        self._status = DownloadStatus(name)
        self._on_status = on_status
        self._written = 0.0
        self._speed_samples: deque[tuple[float, int]] = deque()  # (seconds, amount), the latest

    def on_transfer_progress(self, received: int, total: int | None, problem: str) -> None:
        """Report the transfer: bytes received and in all, and a problem or ""."""
        known = self._status.total if total is None else total
        phase = "waiting" if problem else "asking" if total is None else "fetching"
        self._set_phase(phase, reason=problem or self.note, here=received, total=known)
        if phase == "fetching":
            self._advance(received, total or 0)

    def phase(self, name: str) -> ProgressCallback:
        """The progress callback of checking or packing; raises StopRequested."""

        def on_progress(done: int, of: int) -> None:
            if self.stop.requested():
                raise StopRequested
            self._set_phase(name, reason="", done=done, of=of)
            self._advance(done, of)

        return on_progress

    def end(self, state: str, reason: str, *, needs_login: bool = False) -> DownloadStatus:
        """Write the final status."""
        self._status = replace(
            self._status,
            state=state,
            reason=reason,
            needs_login=needs_login,
            here=self._here(),
            bytes_per_s=None,
            left_s=None,
        )
        try:
            self._write()
        except OSError:
            # The disk is full: free some space for the status.
            PartialDownload(download_dir() / PART_FILE).truncate_by(2**20)
            self._write()
        return self._status

    def _here(self) -> int:
        part = PartialDownload(download_dir() / PART_FILE)
        return part.length or self._status.here

    def _set_phase(self, phase: str, **values: Any) -> None:
        changed = (phase, values["reason"]) != (self._status.phase, self._status.reason)
        self._status = replace(self._status, phase=phase, **values)
        if changed:
            self._speed_samples.clear()
            self._status = replace(self._status, bytes_per_s=None, left_s=None)
            self._write()

    def _advance(self, amount: int, of: int) -> None:
        now = time.monotonic()
        if now - self._written < _WRITE_INTERVAL_S:
            return
        self._speed_samples.append((now, amount))
        while now - self._speed_samples[0][0] > _SPEED_WINDOW_S:
            self._speed_samples.popleft()
        began, first = self._speed_samples[0]
        if amount > first:
            speed = (amount - first) / (now - began)
            self._status = replace(
                self._status,
                bytes_per_s=None if self._status.phase == "packing" else speed,
                left_s=time_left_s(now - began, amount - first, of - amount) if of else None,
            )
        self._write()

    def _write(self) -> None:
        self._status = replace(self._status, updated=time.time())
        write_status(self._status)
        self._written = time.monotonic()
        if self._on_status:
            self._on_status(self._status)


if __name__ == "__main__":
    sys.exit(main())
