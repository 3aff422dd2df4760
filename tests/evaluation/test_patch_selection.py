import numpy as np
import pytest

from idc.evaluation.patch_selection import (
    in_calibration_point,
    in_case,
    in_cell,
    in_histogram_bar,
    most_wrong,
    select_patches,
)
from idc.evaluation.results import results_of
from tests.support.made_patches import tiny_store


@pytest.fixture
def results(home):
    """Eight patches of two cases, labels 0, 1, 0, 1, ..."""
    store = tiny_store("tiny", cases=2, per_case=4)
    y_prob = [0.7, 0.3, 0.4, 0.6, 0.92, 0.2, 0.1, 1.0]
    return results_of(store, "all", np.arange(8), np.array(y_prob, np.float32))


def rows(mask):
    return np.flatnonzero(mask).tolist()


def test_cell_selects_patches_by_label_and_prediction(results):
    cells = {name: rows(in_cell(results, name, 0.5)) for name in ("tn", "fp", "fn", "tp")}

    assert cells == {"tn": [2, 6], "fp": [0, 4], "fn": [1, 5], "tp": [3, 7]}


def test_bar_holds_one_class_in_a_bin_of_one_twentieth(results):
    assert rows(in_histogram_bar(results, 18, 0)) == [4]  # 0.90 to 0.95
    assert rows(in_histogram_bar(results, 18, 1)) == []
    assert rows(in_histogram_bar(results, 19, 1)) == [7]  # 1 is in the last


def test_point_holds_both_classes_in_a_bin_of_one_tenth(results):
    assert rows(in_calibration_point(results, 9)) == [4, 7]


def test_each_patch_is_in_exactly_one_bar(results):
    masks = [in_histogram_bar(results, number, label) for number in range(20) for label in (0, 1)]

    assert np.sum(masks, axis=0).tolist() == [1] * 8


def test_case_selects_its_patches(results):
    assert rows(in_case(results, 2)) == [4, 5, 6, 7]


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        ("certain", [7, 4, 6, 5]),  # 1.0, 0.92, 0.1, 0.2: as far as they are from 0.5
        ("doubtful", [5, 6, 4, 7]),
        ("wrong", [4, 5, 6, 7]),  # 0.92 though negative, 0.2 though positive, then the right ones
    ],
)
def test_each_order_sorts_patches_of_a_case(results, order, expected):
    table = select_patches(results, in_case(results, 2), 0.5, order)

    assert table["row"].tolist() == expected
    assert table.columns.tolist() == ["row", "case", "x", "y", "label", "probability"]


@pytest.mark.parametrize(("label", "expected"), [(0, [4, 0, 2]), (1, [5, 1, 3])])
def test_most_wrong_patches_are_most_certain_of_the_other_class(results, label, expected):
    assert most_wrong(results, label, 3)["row"].tolist() == expected
