"""idc.datasets.label_marks: reviewers' verdicts on labels, also concurrently."""

import os
import sqlite3
import subprocess
import sys

import pytest

from idc.datasets.label_marks import (
    MARKS_FILE,
    Mark,
    load_marks,
    marks_csv,
    places_marked_wrong,
    remove_mark,
    rows_marked_wrong,
    save_mark,
)
from idc.errors import LabelError
from tests.support import PROGRAMS, PROJECT
from tests.support.made_patches import tiny_store

CHILD = PROGRAMS / "marking_child.py"


def mark(verdict="wrong", reviewer="Ana", case=1, x=51, label=1, data="tiny", **more):
    save_mark(
        Mark(data, case=case, x=x, y=1, label=label, verdict=verdict, reviewer=reviewer, **more)
    )


def said(data="tiny"):
    table = load_marks(data)
    return list(zip(table["x"], table["reviewer"], table["verdict"], strict=True))


def test_no_marks_give_an_empty_table_and_no_file(home):
    assert len(load_marks("tiny")) == 0
    assert places_marked_wrong("tiny").empty
    assert not (home / MARKS_FILE).exists()


def test_mark_is_saved_with_all_fields(home):
    mark("unsure", run="r1", probability=0.25)

    [entry] = load_marks("tiny").drop(columns="marked").to_dict("records")
    assert entry == {
        "case": 1,
        "x": 51,
        "y": 1,
        "label": 1,
        "verdict": "unsure",
        "reviewer": "Ana",
        "run": "r1",
        "probability": 0.25,
    }


def test_second_mark_of_a_reviewer_replaces_the_first(home):
    mark("wrong")
    mark("keep")

    assert said() == [(51, "Ana", "keep")]


def test_marks_of_two_reviewers_are_both_kept(home):
    mark("wrong", "Ana")
    mark("keep", "Ben")

    assert said() == [(51, "Ana", "wrong"), (51, "Ben", "keep")]


def test_marks_belong_to_one_data_set(home):
    mark(data="other")

    assert said() == []
    assert said("other") == [(51, "Ana", "wrong")]


def test_mark_can_be_removed(home):
    mark("wrong", "Ana")
    mark("wrong", "Ben")
    remove_mark("tiny", 1, 51, 1, "Ana")

    assert said() == [(51, "Ben", "wrong")]


def test_blanks_around_a_reviewers_name_are_ignored(home):
    mark("wrong", "Ana")
    mark("keep", " Ana ")

    assert said() == [(51, "Ana", "keep")]


@pytest.mark.parametrize("name", ["", "   ", "a" * 41, "a\nb"])
def test_invalid_reviewer_name_is_refused(home, name):
    with pytest.raises(LabelError, match="1 to 40 printable characters"):
        mark(reviewer=name)


def test_unknown_verdict_is_refused(home):
    with pytest.raises(LabelError, match=r"one of keep, wrong, unsure\. Received: 'perhaps'"):
        mark("perhaps")


def test_label_counts_as_wrong_unless_a_reviewer_keeps_it(home):
    mark("wrong", "Ana", x=1)
    mark("wrong", "Ana", x=51)
    mark("keep", "Ben", x=51)
    mark("wrong", "Ana", x=101)
    mark("unsure", "Ben", x=101)
    mark("unsure", "Ana", x=151)
    mark("wrong", "Ben", x=1)

    assert places_marked_wrong("tiny")["x"].tolist() == [1, 101]


def test_wrong_rows_are_found_by_place_and_label(home):
    store = tiny_store("tiny", cases=2, per_case=4)  # row 1: case 1, x 51, label 1
    mark(case=1, x=51, label=1)
    mark(case=2, x=1, label=0)
    mark(case=2, x=51, label=0)  # the label has changed since
    mark(case=9, x=1, label=0)  # not in the store

    assert rows_marked_wrong("tiny", store.index).tolist() == [1, 4]


def test_csv_has_one_line_per_mark_and_iso_times(home):
    mark("wrong", run="r1", probability=0.25)
    mark("keep", "Ben, the second")

    header, first, second = marks_csv("tiny").splitlines()
    assert header == "data,case,x,y,label,verdict,reviewer,run,probability,marked"
    assert first.startswith("tiny,1,51,1,1,wrong,Ana,r1,0.250000,20")
    assert first.endswith("+00:00")
    assert second.startswith('tiny,1,51,1,1,keep,"Ben, the second",,,20')


def test_concurrent_marks_of_two_processes_are_all_kept(home):
    count = 100
    children = [
        subprocess.Popen(
            [sys.executable, CHILD, reviewer, verdict, str(count)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": str(PROJECT)},
        )
        for reviewer, verdict in (("Ana", "wrong"), ("Ben", "keep"))
    ]
    for child in children:
        assert child.stdout.readline() == "ready\n"
    for child in children:  # both create the file and mark the same patches
        child.stdin.write("go\n")
        child.stdin.flush()
    assert [child.wait() for child in children] == [0, 0]

    marks = load_marks("tiny")
    assert len(marks) == 2 * count
    assert marks.groupby(["reviewer", "verdict"]).size().to_dict() == {
        ("Ana", "wrong"): count,
        ("Ben", "keep"): count,
    }


def test_marks_file_is_in_wal_mode(home):
    mark()
    reader = sqlite3.connect(home / MARKS_FILE)
    assert reader.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    reader.execute("BEGIN")
    assert len(reader.execute("SELECT * FROM marks").fetchall()) == 1

    mark(x=101)  # does not wait for the reader

    assert len(reader.execute("SELECT * FROM marks").fetchall()) == 1  # its own snapshot
    reader.close()
    assert len(load_marks("tiny")) == 2


def test_damaged_marks_file_raises_label_error(home):
    (home / MARKS_FILE).write_bytes(b"no database" * 100)

    with pytest.raises(LabelError, match="cannot be read or written"):
        load_marks("tiny")
