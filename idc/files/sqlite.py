"""A small SQLite file that several write to at once: tabs, visitors, a shell beside the app.

It is in WAL mode, so that nobody waits for another's reads, and appears whole: two first writers
must not meet in half a file.
"""

import contextlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from filelock import FileLock

_WAIT_S = 30.0  # for the other writer; one row takes milliseconds


@contextlib.contextmanager
def opened(path: Path, table: str) -> Iterator[sqlite3.Connection]:
    """The open file, in one transaction that is kept unless an error leaves the ``with``.

    Args:
        table: the statement that makes its table in a new file.

    Raises:
        sqlite3.Error, OSError: it is damaged, or cannot be read or written.
    """
    if not path.exists():
        _make(path, table)
    database = sqlite3.connect(path, timeout=_WAIT_S)
    with contextlib.closing(database), database:
        yield database


def _make(path: Path, table: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(path.with_suffix(".lock")):
        if path.exists():
            return
        beside = path.with_suffix(".new")
        beside.unlink(missing_ok=True)
        with contextlib.closing(sqlite3.connect(beside)) as database:
            database.execute("PRAGMA journal_mode = WAL")  # the file remembers it
            database.execute(table)
            database.commit()
        beside.replace(path)  # closing has moved the log into the file
