"""A small SQLite file with several concurrent writers: browser tabs, visitors, a shell command.

It is in WAL mode, so that readers do not block writers, and it is created atomically.
"""

import contextlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from filelock import FileLock

_BUSY_TIMEOUT_S = 30.0  # for the other writer; one row takes milliseconds


@contextlib.contextmanager
def open_database(path: Path, create_table_sql: str) -> Iterator[sqlite3.Connection]:
    """The open database, in one transaction; an error in the ``with`` block rolls it back.

    Args:
        create_table_sql: the statement that creates the table in a new file.

    Raises:
        sqlite3.Error, OSError: the file is damaged, or cannot be read or written.
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
            database.execute("PRAGMA journal_mode = WAL")  # stored in the file
            database.execute(create_table_sql)
            database.commit()
        temp_path.replace(path)  # closing has moved the log into the file
