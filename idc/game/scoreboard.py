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
    PRIMARY KEY (round, name)
) WITHOUT ROWID
"""


@dataclass(frozen=True)
class Score:
    """One player's result of one round.

    Attributes:
        name: chosen by the player, 1 to `MAX_NAME_LENGTH` printable characters.
        round: `idc.game.rules.Game.name` and the run's id: the same ten patches.
        level: a key of `idc.game.rules.LEVELS`.
        right, best_streak: as `idc.game.rules.Tally`.
        model_right: how many of the ten the model had right.
    """

    name: str
    round: str
    level: str
    right: int
    best_streak: int
    model_right: int


def save_score(score: Score) -> bool:
    """Save a score. Returns False if the name already has one for this round, which stays.

    Raises:
        GameError: the name is invalid, or the file cannot be written.
    """
    name = checked_name(score.name)
    with _open_scores() as database:
        inserted = database.execute(
            "INSERT OR IGNORE INTO scores VALUES (?, ?, ?, ?, ?, ?, ?)",
            (
                score.round,
                name,
                score.level,
                int(score.right),
                int(score.best_streak),
                int(score.model_right),
                time.time(),
            ),
        )
        return inserted.rowcount == 1


def list_scores() -> list[Score]:
    """All scores, the best first: most right, harder level, longer streak, earlier.

    Raises:
        GameError: the file cannot be read.
    """
    if not _path().exists():
        return []
    with _open_scores() as database:
        scores = [
            Score(*row)
            for row in database.execute(
                "SELECT name, round, level, right, best_streak, model_right FROM scores"
                " ORDER BY played, name"
            )
        ]
    level_order = list(LEVELS)
    return sorted(
        scores,
        key=lambda score: (-score.right, -level_order.index(score.level), -score.best_streak),
    )


def clear_scores() -> int:
    """Delete all scores; returns how many there were.

    Raises:
        GameError: the file cannot be written.
    """
    if not _path().exists():
        return 0
    with _open_scores() as database:
        return database.execute("DELETE FROM scores").rowcount


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
            yield database
    except (sqlite3.Error, OSError) as error:
        raise GameError(
            f"The scores in '{_path()}' cannot be read or written ({error}); check the disk, or "
            "move the file away to start a new scoreboard."
        ) from error
