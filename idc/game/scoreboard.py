"""The scoreboard of You against the CNN: scores under chosen names, kept until cleared.

One SQLite file in the home folder. Each name has one score per round, the first: on a repeat the
player knows the patches.
"""

import contextlib
import sqlite3
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from idc.errors import GameError
from idc.files.home import home_dir
from idc.files.sqlite import open_database
from idc.game.rules import LEVELS

SCORES_FILE = "scores.sqlite3"
MAX_NAME_LENGTH = 24

_TABLE = """
CREATE TABLE IF NOT EXISTS scores (
    round TEXT NOT NULL,
    name TEXT NOT NULL,
    level TEXT NOT NULL,
    right INTEGER NOT NULL,
    best_streak INTEGER NOT NULL,
    model_right INTEGER NOT NULL,
    played REAL NOT NULL,
    data TEXT NOT NULL DEFAULT '',
    PRIMARY KEY (round, name)
) WITHOUT ROWID
"""

_OF_DATA = " WHERE :data IS NULL OR data IN (:data, '')"


@dataclass(frozen=True)
class Score:
    """One player's result of one round.

    Attributes:
        name: chosen by the player, 1 to `MAX_NAME_LENGTH` printable characters.
        round: `idc.game.rules.Game.name` and the run's id: the same ten patches.
        level: a key of `idc.game.rules.LEVELS`.
        right, best_streak: as `idc.game.rules.Tally`.
        model_right: how many of the ten the model had right.
        data: the data set's name; "" in scores of older versions, which did not record it.
    """

    name: str
    round: str
    level: str
    right: int
    best_streak: int
    model_right: int
    data: str = ""


def save_score(score: Score) -> bool:
    """Save a score. Returns False if the name already has one for this round, which stays.

    Raises:
        GameError: the name is invalid, or the file cannot be written.
    """
    name = checked_name(score.name)
    with _open_scores() as database:
        inserted = database.execute(
            "INSERT OR IGNORE INTO scores (round, name, level, right, best_streak, model_right,"
            " played, data) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (
                score.round,
                name,
                score.level,
                int(score.right),
                int(score.best_streak),
                int(score.model_right),
                time.time(),
                score.data,
            ),
        )
        return inserted.rowcount == 1


def list_scores(data: str | None = None) -> list[Score]:
    """Scores, the best first: most right, harder level, longer streak, earlier.

    Args:
        data: only those of this data set, and those that do not state theirs; None for all.

    Raises:
        GameError: the file cannot be read.
    """
    if not _path().exists():
        return []
    with _open_scores() as database:
        scores = [
            Score(*row)
            for row in database.execute(
                "SELECT name, round, level, right, best_streak, model_right, data FROM scores"
                f"{_OF_DATA} ORDER BY played, name",
                {"data": data},
            )
        ]
    level_order = list(LEVELS)
    return sorted(
        scores,
        key=lambda score: (-score.right, -level_order.index(score.level), -score.best_streak),
    )


def clear_scores(data: str | None = None) -> int:
    """Delete the scores that `list_scores` lists; returns how many there were.

    Raises:
        GameError: the file cannot be written.
    """
    if not _path().exists():
        return 0
    with _open_scores() as database:
        return database.execute(f"DELETE FROM scores{_OF_DATA}", {"data": data}).rowcount


def checked_name(name: str) -> str:
    """A player's name without surrounding whitespace.

    Raises:
        GameError: it is empty, too long, or has unprintable characters.
    """
    name = name.strip()
    if not 1 <= len(name) <= MAX_NAME_LENGTH or not name.isprintable():
        raise GameError(f"Choose a name of 1 to {MAX_NAME_LENGTH} printable characters.")
    return name


def _path() -> Path:
    return home_dir() / SCORES_FILE


@contextlib.contextmanager
def _open_scores() -> Iterator[sqlite3.Connection]:
    try:
        with open_database(_path(), _TABLE) as database:
            _add_data_column(database)
            yield database
    except (sqlite3.Error, OSError) as error:
        raise GameError(
            f"The scores in '{_path()}' cannot be read or written ({error}); check the disk, or "
            "move the file away to start a new scoreboard."
        ) from error


def _add_data_column(database: sqlite3.Connection) -> None:
    """Bring the file of an older version to the form of `_TABLE`."""
    if "data" in {row[1] for row in database.execute("PRAGMA table_info(scores)")}:
        return
    try:
        database.execute("ALTER TABLE scores ADD COLUMN data TEXT NOT NULL DEFAULT ''")
    except sqlite3.OperationalError as error:
        if "duplicate column" not in str(error):  # another process was faster
            raise
