import numpy as np
import pytest

from idc.evaluation.results import Results, results_of
from idc.report.case_pictures import CELL_RGB, case_pictures
from tests.support.made_patches import tiny_store


@pytest.fixture
def results(home):
    """Three of the four patches of case 2: rows 4, 5 and 7, labels 0, 1, 1."""
    store = tiny_store("tiny", cases=2, per_case=4)
    y_prob = np.array([0.9, 0.8, 0.1], np.float32)
    return results_of(store, "test", np.array([4, 5, 7]), y_prob)


def test_answers_lie_where_their_patches_do(results):
    tissue, answers = case_pictures(results, 2, 0.5)

    side = answers.shape[0]  # the four patches lie in one row
    assert answers.shape == tissue.shape == (side, 4 * side, 3)
    seen = [tuple(answers[0, column * side].tolist()) for column in range(4)]
    assert seen == [CELL_RGB["fp"], CELL_RGB["tp"], (215, 215, 215), CELL_RGB["fn"]]


def test_answers_follow_the_threshold(results):
    _, answers = case_pictures(results, 2, 0.85)

    assert tuple(answers[0, answers.shape[0]].tolist()) == CELL_RGB["fn"]


def test_without_pictures_there_is_no_slide(results):
    bare = Results("test", results.patches, results.y_prob)

    assert case_pictures(bare, 2, 0.5) is None
