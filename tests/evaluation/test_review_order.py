"""idc.evaluation.doubtful_labels: from one doubtful patch to the next."""

import pandas as pd
import pytest

from idc.datasets.label_marks import Mark, load_marks, save_mark
from idc.datasets.place import Place
from idc.evaluation.doubtful_labels import next_unreviewed, with_verdicts

DOUBTS = pd.DataFrame(
    [(1, 51, 1, 1), (2, 1, 1, 0), (3, 1, 51, 0)], columns=["case", "x", "y", "label"]
)
FIRST, SECOND, THIRD = Place(1, 51, 1), Place(2, 1, 1), Place(3, 1, 51)


def marked(*verdicts):
    return DOUBTS.assign(verdict=list(verdicts))


def test_verdict_is_the_reviewers_own_and_about_the_same_label(home):
    save_mark(Mark("a", case=1, x=51, y=1, label=1, verdict="keep", reviewer="Ana"))
    save_mark(Mark("a", case=2, x=1, y=1, label=0, verdict="wrong", reviewer="Ben"))
    save_mark(Mark("a", case=3, x=1, y=51, label=1, verdict="wrong", reviewer="Ana"))

    assert with_verdicts(DOUBTS, load_marks("a"), "Ana")["verdict"].tolist() == ["keep", "", ""]
    assert with_verdicts(DOUBTS, load_marks("a"), "Ben")["verdict"].tolist() == ["", "wrong", ""]


def test_without_marks_everything_is_open(home):
    reviewed = with_verdicts(DOUBTS, load_marks("a"), "Ana")

    assert reviewed["verdict"].tolist() == ["", "", ""]
    assert next_unreviewed(reviewed, None) == FIRST


@pytest.mark.parametrize(
    ("verdicts", "after", "comes"),
    [
        (("keep", "", ""), FIRST, SECOND),
        (("", "wrong", "unsure"), SECOND, FIRST),  # round to the beginning
        (("", "", "keep"), Place(9, 1, 1), FIRST),  # a neighbour was marked
        (("keep", "", "keep"), SECOND, SECOND),
        (("keep", "keep", "keep"), FIRST, None),
    ],
)
def test_next_one_is_the_next_without_a_verdict(verdicts, after, comes):
    assert next_unreviewed(marked(*verdicts), after) == comes


def test_nothing_doubtful_has_no_next():
    assert next_unreviewed(marked("", "", "").iloc[:0], None) is None
