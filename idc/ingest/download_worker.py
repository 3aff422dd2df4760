"""The worker that gets the real data set: fetch, check, pack. ``python -m
idc.ingest.download_worker LOCK``.

The app spawns it detached, with the descriptor of the lock that it holds from its first moment
(`idc.ingest.download`); the shell's ``download`` does the same work in its own process. It may be
killed at any point: the next one goes on from what is there.
"""

import os
import shutil
import signal
import sys
import threading
import time
import traceback
from collections import deque
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from types import FrameType
from typing import Any

from idc.datasets.store import ProgressCallback
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
from idc.patches import PATCH_BYTES
from idc.processes.thread_job import StopRequested
from idc.processes.time_left import time_left_s

OnStatus = Callable[[DownloadStatus], None]

_WRITE_INTERVAL_S = 0.5
_SPEED_WINDOW_S = 10.0


def main(arguments: list[str] | None = None) -> int:
    """Do the job that `idc.ingest.download` wrote down. Returns 0, or 2 after an error."""
    lock = int((arguments or sys.argv[1:])[0])
    os.set_inheritable(lock, False)
    # Packing may fork, and a worker of its own that outlives this process must not look like it.
    os.register_at_fork(after_in_child=partial(os.close, lock))
    ended = run_job(read_job(), should_stop=stop_on_signals())
    return 2 if ended.state == "failed" else 0


def run_in_foreground(job: DownloadJob, on_status: OnStatus) -> DownloadStatus:
    """Do the job in this process; if another is at it already, watch that one until it ends.

    Raises:
        DataError: the name is bad or taken.
        DownloadError: the folder cannot be written, or nobody waits for the other any more.
    """
    with hold_lock() as lock:
        if lock is not None:
            record_job(job)
            return run_job(job, should_stop=stop_on_signals(), on_status=on_status)
    try:
        while (status := download_status()) is not None and status.live:
            on_status(status)
            time.sleep(_WRITE_INTERVAL_S)
    except KeyboardInterrupt:
        raise DownloadError("Nobody watches any more; the download itself goes on.") from None
    return status or DownloadStatus(job.name, state="stopped", reason="It was taken back.")


def stop_on_signals() -> Callable[[], bool]:
    """Let SIGTERM and SIGINT ask for a stop; a second one ends at once. Tells whether one came."""
    asked = threading.Event()

    def ask(number: int, frame: FrameType | None) -> None:
        asked.set()
        signal.signal(number, signal.SIG_DFL)

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, ask)
    return asked.is_set


def run_job(
    job: DownloadJob,
    *,
    should_stop: Callable[[], bool] = lambda: False,
    on_status: OnStatus | None = None,
) -> DownloadStatus:
    """Fetch, check, pack. Called with the lock held. Returns how it ended, which it also writes.

    Args:
        stop_asked: besides `idc.ingest.download.request_stop`, another way to ask for a stop.
    """
    progress = _Progress(job.name, lambda: should_stop() or stop_requested(), on_status)
    try:
        _get_zip(job, progress)
        _pack(job, progress)
    except StopRequested:
        return progress.end("stopped", "Stopped. What arrived is kept; go on whenever you like.")
    except IdcError as error:
        return progress.end("failed", str(error), needs_login=isinstance(error, KaggleRefused))
    except OSError as error:
        return progress.end(
            "failed",
            f"'{download_dir()}' cannot be read or written ({error.strerror or error}). What "
            "arrived is kept; make room or check the folder's rights, then go on.",
        )
    except Exception as error:  # noqa: BLE001  reaches nobody else, and a page must not wait for ever
        # Where it was, but not its message: that might hold a signed address.
        print(*traceback.format_tb(error.__traceback__), type(error).__name__, file=sys.stderr)
        return progress.end("failed", f"The download broke off: {type(error).__name__}.")
    ended = progress.end("done", f"All {job.expected:,} patches arrived, checked and packed.")
    if not job.keep_zip:
        (download_dir() / ZIP_FILE).unlink(missing_ok=True)
    return ended


def _get_zip(job: DownloadJob, progress: "_Progress") -> None:
    """Fetch and check the zip, unless a checked one is here already."""
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
                    f"{error} That happened twice, so nothing of it was used; try another network "
                    "or another time."
                ) from error
            progress.note = "What arrived was damaged, so it is fetched anew"
    part.rename(target)


def _fetch(job: DownloadJob, part: PartialDownload, progress: "_Progress") -> RemoteFile:
    return fetch(
        partial(find_remote_file, job.limits.stall_s),
        part,
        limits=job.limits,
        stopped=progress.stopped,
        on_progress=progress.on_transfer_progress,
        check_disk_space=partial(_check_disk_space, job),
    )


def _pack(job: DownloadJob, progress: "_Progress") -> None:
    pack([download_dir() / ZIP_FILE], job.name, on_progress=progress.phase("packing"))


def _check_disk_space(job: DownloadJob, here: int, total: int) -> None:
    """Refuse before the first byte what would fail after an hour."""
    store = job.expected * PATCH_BYTES
    needed = total - here + store
    free = shutil.disk_usage(download_dir()).free
    if needed > free:
        raise DownloadError(
            f"The disk is too full: {(total - here) / 1e6:,.0f} MB of the zip are to come and "
            f"{store / 1e6:,.0f} MB are needed to pack it, but {free / 1e6:,.0f} MB are free in "
            f"'{download_dir().parent}'. Make room, or set IDC_HOME to a folder on a larger disk."
        )


class _Progress:
    """Writes ``status.json``: twice a second, and whenever the matter changes."""

    def __init__(self, name: str, stopped: Callable[[], bool], on_status: OnStatus | None) -> None:
        self.stopped = stopped
        self.note = ""
        self._status = DownloadStatus(name)
        self._on_status = on_status
        self._written = 0.0
        self._speed_samples: deque[tuple[float, int]] = (
            deque()
        )  # (seconds, amount) of the last seconds

    def on_transfer_progress(self, here: int, total: int | None, trouble: str) -> None:
        """Of the transfer: bytes here and in all, and what goes wrong, if it does."""
        known = self._status.total if total is None else total
        phase = "waiting" if trouble else "asking" if total is None else "fetching"
        self._set_phase(phase, reason=trouble or self.note, here=here, total=known)
        if phase == "fetching":
            self._advance(here, total or 0)

    def phase(self, name: str) -> ProgressCallback:
        """The callback for checking or packing, which stops it when asked."""

        def on_progress(done: int, of: int) -> None:
            if self.stopped():
                raise StopRequested
            self._set_phase(name, reason="", done=done, of=of)
            self._advance(done, of)

        return on_progress

    def end(self, state: str, reason: str, *, needs_login: bool = False) -> DownloadStatus:
        """Write how it ended."""
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
            # A full disk has no room for the sentence either: a little of what arrived makes some.
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
