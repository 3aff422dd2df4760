"""idc.game.scoreboard: saving, listing and clearing scores, also concurrently."""

import contextlib
import os
import sqlite3
import subprocess
import sys
from dataclasses import replace

import pytest

from idc.errors import GameError
from idc.game.scoreboard import SCORES_FILE, Score, clear_scores, list_scores, save_score
from tests.support import PROGRAMS, PROJECT

ADA = Score("Ada", "e1-00c0de-9b1e-bundled", "easy", 7, 4, 9)


def named(name: str, **more: object) -> Score:
    return replace(ADA, name=name, **more)


def test_no_file_exists_without_scores(home):
    assert list_scores() == []
    assert clear_scores() == 0
    assert not (home / SCORES_FILE).exists()


def test_score_round_trips(home):
    assert save_score(ADA)
    assert list_scores() == [ADA]


def test_best_score_is_listed_first(home):
    for score in [
        named("Late", right=8),
        named("Low", right=2, level="hard"),
        named("Hard", right=8, level="hard", best_streak=1),
        named("Row", right=8, best_streak=8),
        named("Later", right=8),
    ]:
        save_score(score)

    assert [score.name for score in list_scores()] == ["Hard", "Row", "Late", "Later", "Low"]


def test_first_score_of_a_name_in_a_round_stays(home):
    assert save_score(ADA)
    assert not save_score(named(" Ada ", right=10))
    assert save_score(named("Ada", round="another"))

    assert [score.right for score in list_scores()] == [7, 7]


def test_clearing_deletes_and_counts_all_scores(home):
    save_score(ADA)
    save_score(named("Ben"))

    assert clear_scores() == 2
    assert list_scores() == []


@pytest.mark.parametrize("name", ["", "  ", "a" * 25, "a\nb", "a\x00"])
def test_invalid_name_is_refused(home, name):
    with pytest.raises(GameError, match="1 to 24 printable characters"):
        save_score(named(name))


@pytest.mark.parametrize("name", ["'); DROP TABLE a; --", "<b>Ada</b>", "Zoë 🙂"])
def test_printable_name_is_kept_unchanged(home, name):
    save_score(named(name))

    assert [score.name for score in list_scores()] == [name]


def test_damaged_file_is_a_game_error(home):
    (home / SCORES_FILE).write_bytes(b"this is no database" * 100)

    for use in (list_scores, clear_scores, lambda: save_score(ADA)):
        with pytest.raises(GameError, match="cannot be read or written"):
            use()


def test_concurrent_writers_lose_no_score(home):
    writers = [
        subprocess.Popen(
            [sys.executable, PROGRAMS / "scoring_child.py", name, "50"],
            env={**os.environ, "PYTHONPATH": str(PROJECT)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for name in ("Ada", "Ben")
    ]
    for writer in writers:
        assert writer.stdout.readline() == "ready\n"
    for writer in writers:
        writer.stdin.write("go\n")
        writer.stdin.flush()
    for writer in writers:
        writer.communicate()

    assert [writer.returncode for writer in writers] == [0, 0]
    assert sorted(score.name for score in list_scores()) == ["Ada"] * 50 + ["Ben"] * 50


def test_scores_are_listed_and_cleared_for_their_data_set(home):
    pets, tissue = named("Ada", data="pets"), named("Ada", round="another", data="tissue")
    old = named("Eva", round="an older version's")
    for score in (pets, tissue, old):
        save_score(score)

    assert list_scores("pets") == [pets, old]
    assert list_scores("tissue") == [tissue, old]
    assert list_scores() == [pets, tissue, old]
    assert clear_scores("pets") == 2
    assert list_scores() == [tissue]


def test_scores_of_an_older_version_are_kept(home):
    with contextlib.closing(sqlite3.connect(home / SCORES_FILE)) as database, database:
        database.execute(
            "CREATE TABLE scores (round TEXT NOT NULL, name TEXT NOT NULL, level TEXT NOT NULL,"
            " right INTEGER NOT NULL, best_streak INTEGER NOT NULL, model_right INTEGER NOT NULL,"
            " played REAL NOT NULL, PRIMARY KEY (round, name)) WITHOUT ROWID"
        )
        database.execute("INSERT INTO scores VALUES ('r', 'Ada', 'easy', 7, 4, 9, 1.0)")

    assert save_score(named("Ben", data="pets"))

    assert [(score.name, score.data) for score in list_scores("pets")] == [
        ("Ada", ""),
        ("Ben", "pets"),
    ]
