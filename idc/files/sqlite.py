"""A small SQLite file that several write to at once: tabs, visitors, a shell beside the app.

It is in WAL mode, so that nobody waits for another's reads, and appears whole: two first writers
must not meet in half a file.
"""

import contextlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from filelock import FileLock

_BUSY_TIMEOUT_S = 30.0  # for the other writer; one row takes milliseconds


@contextlib.contextmanager
def open_database(path: Path, create_table_sql: str) -> Iterator[sqlite3.Connection]:
    """The open file, in one transaction that is kept unless an error leaves the ``with``.

    Args:
        table: the statement that makes its table in a new file.

    Raises:
        sqlite3.Error, OSError: it is damaged, or cannot be read or written.
    """
    if not path.exists():
        _create(path, create_table_sql)
    database = sqlite3.connect(path, timeout=_BUSY_TIMEOUT_S)
    with contextlib.closing(database), database:
        yield database


def _create(path: Path, create_table_sql: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(path.with_suffix(".lock")):
        if path.exists():
            return
        temp_path = path.with_suffix(".new")
        temp_path.unlink(missing_ok=True)
        with contextlib.closing(sqlite3.connect(temp_path)) as database:
            database.execute("PRAGMA journal_mode = WAL")  # the file remembers it
            database.execute(create_table_sql)
            database.commit()
        temp_path.replace(path)  # closing has moved the log into the file
