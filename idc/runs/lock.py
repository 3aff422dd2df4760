"""The lock that tells a living trainer from a dead one.

The system releases it however its holder ends, so unlike a process id it cannot be mistaken for
somebody else's. Nothing heavy is imported here: a trainer takes the lock before it loads Keras.
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
    """Hold a run's lock for the length of a ``with``.

    Raises:
        RunError: another trainer holds it, or there is no such run.
    """
    no_run = RunError(f"There is no run '{run_folder.name}' that could be trained.")
    # FileLock would make a missing folder, and ".." would be one that is no run.
    if not RUN_ID.fullmatch(run_folder.name) or not run_folder.is_dir():
        raise no_run
    lock = FileLock(run_folder / LOCK_FILE)
    try:
        # A page that looks whether a trainer lives holds the lock for a moment: wait for it.
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
    """Whether a trainer works on the run now.

    A look makes nothing, or it would bring back the folder of a run deleted meanwhile, and does
    not keep out others who look: they share the lock for that moment.
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
