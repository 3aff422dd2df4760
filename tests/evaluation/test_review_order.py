"""idc.evaluation.doubtful_labels: verdicts, and the next patch to review."""

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


def test_verdict_is_matched_by_reviewer_and_label(home):
    save_mark(Mark("a", case=1, x=51, y=1, label=1, verdict="keep", reviewer="Ana"))
    save_mark(Mark("a", case=2, x=1, y=1, label=0, verdict="wrong", reviewer="Ben"))
    save_mark(Mark("a", case=3, x=1, y=51, label=1, verdict="wrong", reviewer="Ana"))

    assert with_verdicts(DOUBTS, load_marks("a"), "Ana")["verdict"].tolist() == ["keep", "", ""]
    assert with_verdicts(DOUBTS, load_marks("a"), "Ben")["verdict"].tolist() == ["", "wrong", ""]


def test_no_marks_leave_all_patches_unreviewed(home):
    reviewed = with_verdicts(DOUBTS, load_marks("a"), "Ana")

    assert reviewed["verdict"].tolist() == ["", "", ""]
    assert next_unreviewed(reviewed, None) == FIRST


@pytest.mark.parametrize(
    ("verdicts", "after", "comes"),
    [
        (("keep", "", ""), FIRST, SECOND),
        (("", "wrong", "unsure"), SECOND, FIRST),  # wraps to the first
        (("", "", "keep"), Place(9, 1, 1), FIRST),  # a neighbour was marked
        (("keep", "", "keep"), SECOND, SECOND),
        (("keep", "keep", "keep"), FIRST, None),
    ],
)
def test_next_patch_is_the_next_without_a_verdict(verdicts, after, comes):
    assert next_unreviewed(marked(*verdicts), after) == comes


def test_no_doubtful_labels_give_no_next_patch():
    assert next_unreviewed(marked("", "", "").iloc[:0], None) is None
