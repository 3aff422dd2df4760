"""The lock that shows whether a run's trainer is alive.

The system releases it however the trainer ends; unlike a process id it cannot be reused by another
process. No heavy imports: a trainer takes the lock before it loads Keras.
"""

import contextlib
import fcntl
import os
import re
from collections.abc import Iterator
from pathlib import Path

from filelock import FileLock, Timeout

from idc.errors import RunError

LOCK_FILE = "trainer.lock"
RUN_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,100}")


@contextlib.contextmanager
def hold_lock(run_folder: Path) -> Iterator[None]:
    """Context manager: hold a run's lock.

    Raises:
        RunError: another trainer holds it, or the run does not exist.
    """
    no_run = RunError(f"There is no run '{run_folder.name}' to train.")
    # FileLock would create a missing folder, and ".." is a folder that is not a run.
    if not RUN_ID.fullmatch(run_folder.name) or not run_folder.is_dir():
        raise no_run
    lock = FileLock(run_folder / LOCK_FILE)
    try:
        # `is_locked` holds a shared lock briefly: wait for it.
        lock.acquire(timeout=5)
    except Timeout as error:
        raise RunError(f"The run '{run_folder.name}' is being trained already.") from error
    except OSError as error:
        raise no_run from error
    try:
        yield
    finally:
        lock.release()


def is_locked(run_folder: Path) -> bool:
    """Whether a trainer holds the run's lock.

    Creates no file, which would restore the folder of a deleted run, and takes a shared lock, so
    that concurrent calls do not see each other.
    """
    try:
        descriptor = os.open(run_folder / LOCK_FILE, os.O_RDONLY)
    except (FileNotFoundError, NotADirectoryError):
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False
