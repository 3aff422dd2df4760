"""Reviewers' marks on doubtful labels: keep, wrong, unsure.

One SQLite file per home folder, in WAL mode, so that two reviewers (two tabs, or a shell and the
app) can write without waiting for each other's reads. Marks identify a patch by data set, case, x
and y, not by its row, so they remain valid when the data set is packed again. Each reviewer has one
mark per patch; the last one counts.
"""

import contextlib
import sqlite3
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from idc.datasets.description import KAGGLE_DESCRIPTION, DataDescription
from idc.errors import LabelError
from idc.files.home import home_dir
from idc.files.spreadsheets import csv_text
from idc.files.sqlite import open_database

VERDICTS: Mapping[str, str] = {
    "keep": "The label is right",
    "wrong": "The label is wrong",
    "unsure": "Cannot tell",
}
MARKS_FILE = "marks.sqlite3"
COLUMNS = ("case", "x", "y", "label", "verdict", "reviewer", "run", "probability", "marked")

_MAX_REVIEWER_LENGTH = 40
_CREATE_TABLE = """
CREATE TABLE IF NOT EXISTS marks (
    data TEXT NOT NULL,
    slide_case INTEGER NOT NULL,
    x INTEGER NOT NULL,
    y INTEGER NOT NULL,
    reviewer TEXT NOT NULL,
    verdict TEXT NOT NULL CHECK (verdict IN ('keep', 'wrong', 'unsure')),
    label INTEGER NOT NULL,
    run TEXT NOT NULL,
    probability REAL,
    marked REAL NOT NULL,
    PRIMARY KEY (data, slide_case, x, y, reviewer)
) WITHOUT ROWID
"""


@dataclass(frozen=True)
class Mark:
    """One reviewer's verdict on one patch.

    Attributes:
        data: the data set's name; ``case``, ``x`` and ``y`` identify the patch in it.
        label: the judged label {0, 1}.
        verdict: a key of `VERDICTS`.
        run: the run whose prediction contradicts the label, and its ``probability``, [0, 1].
    """

    data: str
    case: int
    x: int
    y: int
    label: int
    verdict: str
    reviewer: str
    run: str = ""
    probability: float | None = None


def save_mark(mark: Mark) -> None:
    """Save a mark. It replaces the reviewer's earlier mark on the same patch.

    Raises:
        LabelError: the verdict or the reviewer's name is invalid, or the file cannot be written.
    """
    if mark.verdict not in VERDICTS:
        raise LabelError(
            f"A verdict is one of {', '.join(VERDICTS)}. Received: {mark.verdict[:40]!r}"
        )
    reviewer = check_reviewer(mark.reviewer)
    with _open_marks() as database:
        database.execute(
            "INSERT OR REPLACE INTO marks (data, slide_case, x, y, label, verdict, reviewer, run,"
            " probability, marked) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                mark.data,
                int(mark.case),
                int(mark.x),
                int(mark.y),
                int(mark.label),
                mark.verdict,
                reviewer,
                mark.run,
                None if mark.probability is None else float(mark.probability),
                time.time(),
            ),
        )


def remove_mark(data: str, case: int, x: int, y: int, reviewer: str) -> None:
    """Remove a reviewer's mark, if there is one."""
    with _open_marks() as database:
        database.execute(
            "DELETE FROM marks WHERE data = ? AND slide_case = ? AND x = ? AND y = ?"
            " AND reviewer = ?",
            (data, int(case), int(x), int(y), check_reviewer(reviewer)),
        )


def load_marks(data: str) -> pd.DataFrame:
    """All marks on a data set, oldest first: columns `COLUMNS`; ``marked`` in UTC."""
    if not _marks_path().exists():
        table = pd.DataFrame(columns=list(COLUMNS))
    else:
        with _open_marks() as database:
            table = pd.read_sql_query(
                "SELECT slide_case AS 'case', x, y, label, verdict, reviewer, run, probability,"
                " marked FROM marks WHERE data = ? ORDER BY marked, slide_case, y, x, reviewer",
                database,
                params=(data,),
            )
    table["marked"] = pd.to_datetime(table["marked"].astype(float), unit="s", utc=True)
    return table.astype({"case": "int64", "x": "int64", "y": "int64", "label": "int64"})


def marks_csv(data: str, description: DataDescription = KAGGLE_DESCRIPTION) -> str:
    """The marks on a data set as CSV with a header; times in ISO 8601."""
    table = with_names(load_marks(data), description)
    table["marked"] = [when.isoformat(timespec="seconds") for when in table["marked"]]
    table.insert(0, "data", data)
    return csv_text(table, float_format="%.6f")


def with_names(table: pd.DataFrame, description: DataDescription) -> pd.DataFrame:
    """A copy of a table with the names of cases and, beside ``label``, of classes.

    A table of the Kaggle set stays as it is: its cases are numbers, and its labels are known.

    Args:
        table: columns ``case`` and ``label``.
    """
    if description.is_idc_set:
        return table
    named = table.copy()
    named["case"] = [description.case_name(case) for case in table["case"]]
    after_label = list(named.columns).index("label") + 1
    named.insert(after_label, "class", [description.class_name(label) for label in table["label"]])
    return named


def places_marked_wrong(data: str) -> pd.DataFrame:
    """The patches that count as wrongly labelled: columns ``case``, ``x``, ``y``, ``label``.

    At least one reviewer marked them "wrong" and none "keep": contradicting verdicts leave the
    label unchanged.
    """
    marks = load_marks(data)
    place = ["case", "x", "y"]
    kept = marks.loc[marks["verdict"] == "keep", place]
    wrong = marks.loc[marks["verdict"] == "wrong", [*place, "label"]].drop_duplicates(place)
    contested = pd.MultiIndex.from_frame(wrong[place]).isin(pd.MultiIndex.from_frame(kept))
    return wrong[~contested].reset_index(drop=True)


def rows_marked_wrong(data: str, index: pd.DataFrame) -> np.ndarray:
    """The rows of a store's index that count as wrongly labelled, sorted int64.

    A mark judges a label, so it is ignored if the patch was packed again with another label.
    """
    wrong = places_marked_wrong(data)
    if wrong.empty:
        return np.empty(0, np.int64)
    columns = ["case", "x", "y", "label"]
    judged = pd.MultiIndex.from_frame(wrong[columns].astype("int64"))
    return np.flatnonzero(pd.MultiIndex.from_frame(index[columns].astype("int64")).isin(judged))


def check_reviewer(name: str) -> str:
    """A reviewer's name without surrounding blanks.

    Raises:
        LabelError: it is empty, too long, or has unprintable characters.
    """
    name = name.strip()
    if not 1 <= len(name) <= _MAX_REVIEWER_LENGTH or not name.isprintable():
        raise LabelError(
            f"A reviewer's name has 1 to {_MAX_REVIEWER_LENGTH} printable characters. Received: "
            f"{name[:60]!r}"
        )
    return name


def _marks_path() -> Path:
    return home_dir() / MARKS_FILE


@contextlib.contextmanager
def _open_marks() -> Iterator[sqlite3.Connection]:
    """The open database, in one transaction that an exception rolls back."""
    path = _marks_path()
    try:
        with open_database(path, _CREATE_TABLE) as database:
            yield database
    except (sqlite3.Error, OSError) as error:
        raise LabelError(
            f"The marks in '{path}' cannot be read or written ({error}); check the disk and the "
            "file's permissions."
        ) from error
